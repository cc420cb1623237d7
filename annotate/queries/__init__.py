"""Every query. The caller opens the transaction (`annotate.database`) and owns it; its session is called `db`.

What decides between people who do the same thing at once is in the database: unique keys and, on PostgreSQL, row
locks. Several stimuli are locked in the order of their ids, so that no two transactions wait for each other. Imports
`database`, `design` and `statistics.ratings`, and is the only room besides `database` that uses SQLAlchemy's queries.
A new query: a function in the module of what it is about; what every rating runs is in `live`, `slots`
and `answers`, and what they return in `records`.
"""

from typing import TYPE_CHECKING

import lazy_loader

__all__ = [
    "answers",
    "audit",
    "identifiers",
    "imports",
    "lifecycle",
    "live",
    "members",
    "next_pairs",
    "pair_batches",
    "pair_imports",
    "pairs",
    "participants",
    "personal",
    "progress",
    "ratings",
    "reasons",
    "screenings",
    "slots",
    "stimuli",
    "studies",
]

if TYPE_CHECKING:
    from annotate.queries import (
        answers,
        audit,
        identifiers,
        imports,
        lifecycle,
        live,
        members,
        next_pairs,
        pair_batches,
        pair_imports,
        pairs,
        participants,
        personal,
        progress,
        ratings,
        reasons,
        screenings,
        slots,
        stimuli,
        studies,
    )
else:  # each is imported when something of it is first used
    __getattr__, __dir__, _ = lazy_loader.attach(__name__, submodules=__all__)
