"""Crowd labelling: who rates which face image, and what the votes mean.

A study holds stimuli and a protocol; participants rate them in sittings; every rating is one row that is on
disk before it is acknowledged. This package knows databases and no networks: it imports neither torch nor fiqa.
"""
