"""Who is at the Studies tab, and what they may do there.

Whoever runs the app, signed in with its secret or named in FIQA_OWNERS, owns every study: the host. Others are members
of some studies, with a role in each.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from annotate.design.roles import Role
from annotate.errors import AccessError
from annotate.ui.labelling import Labelling

if TYPE_CHECKING:
    from collections.abc import Sequence

    from annotate.database.tables import Member

HOST = "owner"
"""What the log calls whoever signed in with the app's secret."""


class Everybody(Enum):
    """Handlers that act on no opened study, by who may run them."""

    HOST = "host"
    SIGNED_IN = "signed in"
    PUBLIC = "public"


Who = frozenset[Role] | Everybody
"""Who may run a handler: those with one of these roles in the opened study, or some of everybody."""
OWNERS: Who = frozenset({Role.OWNER})
SEE_PROGRESS: Who = frozenset({Role.OWNER, Role.ASSISTANT})
SEE_RESULTS: Who = frozenset({Role.OWNER, Role.READER})
MEMBERS: Who = frozenset(Role)
PANELS: Mapping[str, Who] = {
    "setup": OWNERS,
    "progress": SEE_PROGRESS,
    "participants": OWNERS,
    "results": SEE_RESULTS,
    "train": OWNERS,
}
"""The panels of an opened study, and who sees each."""


@dataclass(frozen=True)
class User:
    """Somebody who has signed in: what the log calls them, and their roles by study; the host needs none."""

    name: str
    is_host: bool = False
    roles: Mapping[int, Role] = field(default_factory=dict)

    def may(self, who: Who, study_id: int | None) -> bool:
        """Whether they may run a handler on an opened study; where none is open, there is nothing to be seen."""
        if self.is_host or who is Everybody.SIGNED_IN:
            return True
        if isinstance(who, Everybody):
            return who is Everybody.PUBLIC
        return study_id is None or self.roles.get(study_id) in who

    def check(self, who: Who, study_id: int | None) -> None:
        """Raise AccessError unless they may, saying why not."""
        if self.may(who, study_id):
            return
        role = self.roles.get(study_id) if study_id is not None else None
        if isinstance(who, Everybody):
            raise AccessError("Only whoever runs this app may do that; ask them.")
        if role is None:
            raise AccessError("You are not a member of this study; ask its owner.")
        raise AccessError(f"As {role} of this study you may not do that; ask its owner.")

    def panels(self, study_id: int) -> list[str]:
        """Return the panels of a study that they see."""
        return [name for name, who in PANELS.items() if self.may(who, study_id)]


class StudyMembers:
    """Finds members in the database; a removed one is none at once."""

    def __init__(self, labelling: Labelling) -> None:
        self._labelling = labelling

    def by_secret(self, secret_hash: str) -> User | None:
        """Return who has that secret."""
        return self._find(secret_hash=secret_hash)

    def by_hub_name(self, name: str) -> User | None:
        """Return who is called so on the Hugging Face Hub."""
        return self._find(hub_name=name)

    def _find(self, **known: str) -> User | None:
        from annotate import queries  # late: the page is laid out without the database's library

        with self._labelling.database.read() as db:
            found = queries.members.memberships(db, **known)
        return _user(found) if found else None


def _user(members: "Sequence[Member]") -> User:
    return User(members[0].name, roles={member.study_id: member.role for member in members})
