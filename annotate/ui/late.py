"""Modules that load a database's library or SciPy: imported when something of them is first used.

The page is served before them, and most visitors never need them. `from annotate.ui.late import store` is otherwise
as good as `from annotate import store`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__all__ = ["access", "analysis", "backup", "backup_archive", "export", "figures", "intake", "planning", "store"]


class _Late:
    """Stands for a module."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(import_module(self._name), attribute)


if TYPE_CHECKING:
    from annotate import access, analysis, backup, backup_archive, export, figures, intake, planning, store
else:
    access, analysis, backup, backup_archive, export, figures, intake, planning, store = (
        _Late(f"annotate.{name}") for name in __all__
    )
