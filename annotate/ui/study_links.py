"""The links of a study: one for everybody, Prolific's, and personal ones.

A personal token is stored nowhere: what is shown here once cannot be shown again, only replaced by a new one. The
addresses are completed by the page, which knows under what name it was reached.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from annotate.ui.late import access, store
from annotate.ui.study_html import note, press, text

if TYPE_CHECKING:
    from annotate.database import Database
    from annotate.tables import Study

MOST_LINKS = 1000
PROLIFIC = "&PROLIFIC_PID={{%PROLIFIC_PID%}}&STUDY_ID={{%STUDY_ID%}}&SESSION_ID={{%SESSION_ID%}}"
COMPLETE = """
const address = (path) => location.origin + location.pathname + path;
const complete = () => {
  for (const link of element.querySelectorAll("[data-path]")) link.textContent = address(link.dataset.path);
};
watch("value", complete);
complete();
const save = (name, lines) => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([lines.join("\\r\\n") + "\\r\\n"], { type: "text/csv" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
};
element.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-do]");
  if (!button) return;
  if (button.dataset.do === "copy") {
    const link = button.parentElement.querySelector("[data-path]");
    try {
      await navigator.clipboard.writeText(link.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(link);
    }
  }
  if (button.dataset.do === "save") {
    const people = [...element.querySelectorAll("[data-person]")];
    save("links.csv", ["participant,url", ...people.map((each) => `${each.dataset.person},${each.textContent}`)]);
  }
});
"""


def general_links(study: "Study") -> str:
    """Return the links that anybody may follow."""
    join = f"?study={study.join_code}"
    return (
        f"<dl class='links'>{_link('Everybody', join)}{_link('Prolific', join + PROLIFIC)}</dl>"
        '<p class="hint">Whoever follows the first becomes a participant. On Prolific, put the second as the study’s '
        "address and the completion code from Prolific into the protocol.</p>"
    )


def make_links(database: "Database", study_id: int, count: int, language: str) -> list[tuple[str, str]]:
    """Make participants with a personal link each; returns (pseudonym, what follows the page's address)."""
    now = datetime.now(UTC)
    with database.write() as db:
        code = store.get_study(db, study_id).join_code
        people = [store.create_participant(db, study_id, now, language=language) for _ in range(count)]
        return [(person.pseudonym, _personal(code, access.issue_link(db, person.id, now))) for person in people]


def renew_link(database: "Database", study_id: int, pseudonym: str) -> tuple[str, str]:
    """Close a participant's links and make a new one; returns the same as `make_links` of one person."""
    now = datetime.now(UTC)
    with database.write() as db:
        code = store.get_study(db, study_id).join_code
        person = store.get_participant(db, study_id, pseudonym)
        store.delete_links(db, person.id)
        store.log_event(db, study_id, "link", {"participant": pseudonym}, now)
        return pseudonym, _personal(code, access.issue_link(db, person.id, now))


def personal_links(links: Sequence[tuple[str, str]], said: str) -> str:
    """Show personal links, once."""
    listed = "".join(f"<div><dt>{text(name)}</dt>{_address(path, name)}</div>" for name, path in links)
    return f"{note(said, 'good')}<dl class='links many'>{listed}</dl>{press('save', 'Save as CSV', kind='small')}"


def _personal(join_code: str, token: str) -> str:
    return f"?study={join_code}&participant={token}"


def _link(name: str, path: str) -> str:
    return f"<div><dt>{name}</dt>{_address(path, '')}</div>"


def _address(path: str, person: str) -> str:
    whose = f' data-person="{text(person)}"' if person else ""
    return f'<dd><code data-path="{text(path)}"{whose}></code> {press("copy", "Copy", kind="small")}</dd>'
