"""Maps of a face: `face_maps` says which kinds there are and puts them into the photo, `explain` computes them.

`regions` reads them by parts of the face, `readability` says whether they can be read at all, `figures` draws and saves
them. Imports the predictor and what is below it.
A new map: a row in `face_maps.KINDS`, and the function that computes one crop's grid in `explain`.
"""

from typing import TYPE_CHECKING

import lazy_loader

__all__ = ["KINDS", "FaceMap", "MapKey", "find_kind"]

if TYPE_CHECKING:
    from fiqa.maps.face_maps import KINDS, FaceMap, MapKey, find_kind
else:  # each is imported when it is first used
    __getattr__, __dir__, _ = lazy_loader.attach(__name__, submod_attrs={"face_maps": __all__})
