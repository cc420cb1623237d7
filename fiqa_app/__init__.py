"""The app: the tabs of `fiqa` and `annotate` on one page. `fiqa serve` runs it, as does `app.py` of a clone or a Space.

`main` wires settings, predictors, labelling and the tabs; `serving` holds what stands between the page and the
network; `gradio_internals`, and `gradio_import` for what comes before Gradio is imported, alone touch what Gradio does
not promise to keep. Imports both packages; neither imports it, but for the command `fiqa serve`.
"""

import fiqa_app.gradio_import  # noqa: F401  before anything imports Gradio
