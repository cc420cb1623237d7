"""The app: the tabs of `fiqa` and `annotate` on one page. `fiqa serve` runs it, as does `app.py` of a clone or a Space.

`main` wires settings, predictors, labelling and the tabs; `serving` holds what stands between the page and the
network; `gradio_internals` is the only file of it that touches what Gradio does not promise to keep. Imports both
packages; neither imports it, but for the command `fiqa serve`.
"""
