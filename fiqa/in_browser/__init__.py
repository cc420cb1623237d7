"""Scores in a visitor's browser: one static page, to which a photo is given and from which nothing is sent.

    fiqa export lite --format page --output page     # a folder for any web server, or a static Space
    fiqa serve --static                              # the same, made on first use and served here

`building` puts the folder together: checkpoints as ONNX files, ONNX Runtime for browsers (`runtime_files`), and the
page of `static/`, whose modules repeat what `fiqa.photos`, `fiqa.faces` and `fiqa.photo_scorer` do. Numbers and
sentences that they share with the library are written into settings.json, so that they stand in one place. `serving`
serves a folder.
"""
