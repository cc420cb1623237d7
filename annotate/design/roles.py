"""What somebody may do in a study that its owner has let them into.

    owner       everything in this study, and who else is let in
    assistant   sees how far it is
    reader      sees and downloads its results, without tables of people

Whoever runs the app is no member: they own every study in it.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Role(StrEnum):
    """A member's role in one study; see the module."""

    OWNER = "owner"
    ASSISTANT = "assistant"
    READER = "reader"


ROLE_NAMES: Mapping[Role, str] = MappingProxyType({
    Role.OWNER: "Owner: everything in this study",
    Role.ASSISTANT: "Assistant: sees the progress",
    Role.READER: "Reader: sees and downloads the results",
})  # fmt: skip
