"""What decisions about people are called, by the event of the audit trail that tells of each and by its outcome."""

from collections.abc import Mapping
from types import MappingProxyType

DECISIONS: Mapping[str, Mapping[bool | None, str]] = MappingProxyType({
    "sitting": {True: "accepted", False: "rejected", None: "undecided"},
    "votes": {True: "votes used", False: "votes left out"},
})  # fmt: skip
