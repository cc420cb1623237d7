"""Faces in a photo: `finders` finds them, `landmarks` places 68 points in each.

Imports `photos` and `models`. A new finder: a class with `FaceFinder`'s methods in `finders`, and its name in
`FINDERS`.
"""

from typing import TYPE_CHECKING

import lazy_loader

__all__ = ["Face", "FaceFinder", "load_face_finder"]

if TYPE_CHECKING:
    from fiqa.faces.finders import Face, FaceFinder, load_face_finder
else:  # each is imported when it is first used
    __getattr__, __dir__, _ = lazy_loader.attach(__name__, submod_attrs={"finders": __all__})
