"""The database: `engine` opens it and runs transactions, `tables` says what is in it, `migrations` how it came there.

`backup` and `hub` keep copies. Imports `design` alone. A new column: `tables`, and a function in `migrations`.
"""

from typing import TYPE_CHECKING

import lazy_loader

__all__ = ["backup", "engine", "hub", "migrations", "tables"]

if TYPE_CHECKING:
    from annotate.database import backup, engine, hub, migrations, tables
else:  # each is imported when something of it is first used
    __getattr__, __dir__, _ = lazy_loader.attach(__name__, submodules=__all__)
