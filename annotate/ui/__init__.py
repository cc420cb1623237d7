"""The tabs Rate and Studies: one `build_…_tab()` each, what stands behind them, and the only code that knows Gradio.

Imports every room of `annotate`; nothing but the app imports it. A page is laid out before the database's library is
loaded: `queries`, `statistics` and `exchange` import their modules when something of them is first used.
"""
