"""The Studies tab: `tab` lays it out, one module per panel, `ownership` lets only owners in.

Every handler is connected by `ownership.Guard`, which checks the pass first. A new panel is a module with a
`build_…_panel()`, called by `tab`.
"""
