"""How well a checkpoint agrees with people: `metrics`, and the `official_protocol` of the authors' data sets.

Imports the predictor and what is below it. A new metric: a function in `metrics`.
"""
