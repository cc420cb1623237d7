"""The tabs from Score to Curate: one `build_…_tab()` each, and all that knows Gradio in this package.

Imports every room of `fiqa`; nothing but the app imports it. torch is not loaded with it: `service` keeps predictors
in threads of their own, loaded behind the page.
"""
