"""Gradio, imported without what it does then for those who write programs with it: a third of the app's start.

At every import Gradio writes type stubs for all its components, from their sources, and compares them with those on the
disk; and it puts a docstring, made from a template, on every event of each. The page needs neither. The package imports
this module before anything imports Gradio.
"""

from types import ModuleType

import wrapt


@wrapt.when_imported("gradio.component_meta")
def write_no_stubs(module: ModuleType) -> None:
    """Leave the type stubs alone, which Gradio's wheel brings along."""
    module.create_or_modify_pyi = lambda *_: None  # type: ignore[attr-defined]


@wrapt.when_imported("gradio.events")
def write_no_docstrings(module: ModuleType) -> None:
    """Leave events without docstrings; those of handlers, which programs are shown, are the handlers' own."""
    module.EventListener.set_doc = lambda *_, **__: None
