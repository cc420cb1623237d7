"""Maps of a face: `face_maps` says which kinds there are and puts them into the photo, `explain` computes them.

`regions` reads them by parts of the face, `figures` draws and saves them. Imports the predictor and what is below it.
A new map: a row in `face_maps.KINDS`, and the function that computes one crop's grid in `explain`.
"""
