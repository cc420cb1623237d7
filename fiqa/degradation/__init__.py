"""Degradations: `synthetic` applies them, `diagnosis` recognises them by an `atlas`, `what_if` tries them out.

Imports the predictor and what is below it. A new degradation: a function and a row in `synthetic.DEGRADATIONS`; the
tab and the endpoints follow. The atlases that were built before do not know it and are built anew: the bundled one by
`training.build_atlas`.
"""
