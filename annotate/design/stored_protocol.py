"""A protocol as it comes out of the database, where it may be of a newer version of the program, or damaged.

One study with such a protocol must not stop the others: lists show it with its problem, and only what needs the
protocol itself asks `readable` for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from annotate.design.protocol import StudyProtocol
from annotate.errors import ProtocolError

WHAT_TO_DO = (
    "A newer version of the program may have written it: update the program. Until then its votes can be exported, and "
    "the study deleted."
)


@dataclass(frozen=True)
class UnreadableProtocol:
    """A protocol that this version cannot read: what is stored, as JSON or as text, and what is wrong with it."""

    stored: Any
    problem: str

    def __str__(self) -> str:
        return f"The protocol of this study cannot be read. {self.problem} {WHAT_TO_DO}"

    def to_json(self) -> Any:
        """Return what is stored, unchanged."""
        return self.stored


StoredProtocol = StudyProtocol | UnreadableProtocol


def read_stored(values: object) -> StoredProtocol:
    """Read a protocol from what JSON made of it; raises nothing."""
    if not isinstance(values, Mapping):
        return UnreadableProtocol(values, "It is no JSON object.")
    try:
        return StudyProtocol.from_json(values)
    except ProtocolError as error:
        return UnreadableProtocol(values, str(error))
    except (ValueError, TypeError, KeyError, AttributeError):  # parts of it are of the wrong kind
        return UnreadableProtocol(values, "Parts of it are damaged.")


def readable(protocol: StoredProtocol) -> StudyProtocol:
    """Return the protocol; raise ProtocolError, saying why, where it could not be read."""
    if isinstance(protocol, UnreadableProtocol):
        raise ProtocolError(str(protocol))
    return protocol
