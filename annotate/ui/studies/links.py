"""The links of a study: one for everybody, Prolific's, and personal ones.

A personal token is stored nowhere: what is shown here once cannot be shown again, only replaced by a new one. The
addresses are completed by the page (`links.js`): by FIQA_PUBLIC_URL, or by the name under which it was reached.
"""

import json
from collections.abc import Sequence
from importlib.resources import files
from typing import TYPE_CHECKING

from annotate.rating.links import PersonalLink, join_path, prolific_path
from annotate.ui.studies.html import note, press, text

if TYPE_CHECKING:
    from annotate.database.tables import Study

MOST_LINKS = 1000
ONLY_HERE = (
    '<p class="note warning" data-only-here hidden>These addresses work on this computer only. To invite others, start '
    "the app with FIQA_PUBLIC_URL set to the address under which they reach it.</p>"
)


def complete_links(public_url: str | None) -> str:
    """Return the script that completes the links on the page; without `public_url` by the address of the page."""
    script = files("annotate.ui.studies").joinpath("links.js").read_text(encoding="utf-8")
    return f"const PUBLIC_URL = {json.dumps(public_url)};\n{script}"


def general_links(study: "Study") -> str:
    """Return the links that anybody may follow."""
    everybody, prolific = _link("Everybody", join_path(study)), _link("Prolific", prolific_path(study))
    return (
        f"{ONLY_HERE}<dl class='links'>{everybody}{prolific}</dl>"
        '<p class="hint">Whoever follows the first becomes a participant. On Prolific, put the second as the study’s '
        "address and the completion code from Prolific into the protocol.</p>"
    )


def personal_links(links: Sequence[PersonalLink], said: str) -> str:
    """Show personal links, once."""
    listed = "".join(f"<div><dt>{text(name)}</dt>{_address(path, name)}</div>" for name, path in links)
    save = press("save", "Save as CSV", kind="small")
    return f"{note(said, 'good')}{ONLY_HERE}<dl class='links many'>{listed}</dl>{save}"


def _link(name: str, path: str) -> str:
    return f"<div><dt>{name}</dt>{_address(path, '')}</div>"


def _address(path: str, person: str) -> str:
    whose = f' data-person="{text(person)}"' if person else ""
    return f'<dd><code data-path="{text(path)}"{whose}></code> {press("copy", "Copy", kind="small")}</dd>'
