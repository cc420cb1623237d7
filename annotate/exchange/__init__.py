"""Files in and out: an export with ratings, MOS and training data, ratings from elsewhere, scores of a model.

May import everything below it (see `annotate`), never `ui`. A new export format: a function that writes it in
`export`, called by `export_study`; a new import: a reader that yields `queries.imports.ImportedRating`.
"""

from typing import TYPE_CHECKING

import lazy_loader

__all__ = [
    "backup_archive",
    "backup_rotation",
    "export",
    "export_results",
    "export_rows",
    "export_tables",
    "housekeeping",
    "imports",
    "layout",
    "person",
    "scores",
    "splits",
]

if TYPE_CHECKING:
    from annotate.exchange import (
        backup_archive,
        backup_rotation,
        export,
        export_results,
        export_rows,
        export_tables,
        housekeeping,
        imports,
        layout,
        person,
        scores,
        splits,
    )
else:  # each is imported when something of it is first used
    __getattr__, __dir__, _ = lazy_loader.attach(__name__, submodules=__all__)
