"""Faces in a photo: `finders` finds them, `landmarks` places 68 points in each.

Imports `photos` and `models`. A new finder: a class with `FaceFinder`'s methods in `finders`, and its name in
`FINDERS`.
"""
