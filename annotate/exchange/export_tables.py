"""The tables of an export: what is in each column, and which of them a study has.

Each is written as CSV and as JSON. What a column means is said here once: the README of an export is made of it, and
a column without an explanation cannot be written.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from annotate.design.further_scales import MAIN
from annotate.design.protocol import REASONS, StudyProtocol
from annotate.methods import method_of
from annotate.methods.method import Unit

Row = dict[str, Any]
SCREEN: Mapping[str, str] = {
    "window_width_px": "Width of the browser's window when the screen was checked, in CSS pixels.",
    "window_height_px": "Its height.",
    "screen_width_px": "Width of the screen, in CSS pixels.",
    "screen_height_px": "Its height.",
    "pixel_ratio": "Pixels of the screen to a CSS pixel.",
    "zoom": "Zoom of the browser, 1 for 100 %; it cannot be told apart on phones.",
    "fits": "Whether every picture fits into the window at its own size: 1 or 0.",
    "dark_patches": "How many of 4 dark squares the participant could tell from black.",
    "light_patches": "How many of 4 light squares they could tell from white.",
    "acuity_gap_px": "Width of the opening of the finest ring that was read right with all coarser ones, in pixels of "
    "the screen; 0 where the coarsest was not. Empty without the check of sight.",
    "colour_plates": "How many colour plates were read right.",
    "colour_plates_shown": "How many were shown.",
}
"""What the screen check of a sitting measures."""


@dataclass(frozen=True)
class ExportTable:
    """A table by its name: what a row is, and what each column says, in their order."""

    name: str
    row_is: str
    columns: Mapping[str, str]


RATINGS = ExportTable(
    "ratings",
    "One answer; those that were taken back are left out. Oldest first.",
    {
        "stimulus": "Name of the picture, as in mos.csv.",
        "participant": "Who answered: the code of a person, as in participants.csv.",
        "grade": "The grade, in units of the study's scale; empty where the picture was called unusable.",
        "unusable": "1 where the answer was “unusable”, else 0.",
        "reasons": "The reasons that were given, of those that the study offers, with spaces between.",
        "kind": "What the item was: rated (counts), gold (a known answer), trap (an attention check), repeat (the same "
        "picture again), training.",
        "sitting": "Number of the person's sitting, from 1.",
        "sequence": "Number of the answer in its sitting; answers that were taken back have numbers too.",
        "response_ms": "Milliseconds from the display of the picture to the answer.",
        "width_px": "Width of the picture on the screen, in pixels of the screen.",
        "height_px": "Its height.",
        "pixel_ratio": "Pixels of the screen to a CSS pixel at that moment.",
        "rated_at": "When it was answered (UTC).",
        "used": "1 where the answer counts for the MOS, else 0.",
    },
)
MOS = ExportTable(
    "mos",
    "One picture to be rated.",
    {
        "stimulus": "Name of the picture.",
        "image": "Its file in this export; empty where it is not part of the training data.",
        "source": "The photo or person that it was made of, as handed in.",
        "condition": "What was done to it (a method, a codec at a level), as handed in.",
        "sha256": "SHA-256 of its file.",
        "mos": "Mean opinion score: the mean of the grades that count.",
        "sos": "Standard deviation of those grades (n − 1).",
        "ci95": "Half the width of the 95 % interval of the MOS, by Student's t. Few grades make it wide or, where "
        "they happen to be equal, 0: trust it from 8 ratings on.",
        "ratings": "How many grades count.",
        "unusable": "How many people called the picture unusable.",
        "mos_p910": "Quality by ITU-T P.910 Annex E, which corrects for strict and careless people; needs 8 ratings.",
        "ci95_p910": "The same interval for that estimate.",
    },
)
DMOS: Mapping[str, str] = {
    "reference": "Name of the undamaged picture; empty where there is none.",
    "dmos": "Differential MOS: the mean of each person's grade, less theirs of the reference, plus the best grade; "
    "where the grades are of impairment against the reference, their mean.",
    "dmos_ci95": "Half the width of its 95 % interval, by Student's t.",
}
"""What MOS has besides, where the method has references."""
COMPARISONS = ExportTable(
    "comparisons",
    "One answer to a pair; those that were taken back are left out. Oldest first.",
    {
        "left": "Name of the picture that stood on the left for this person.",
        "right": "Name of the one on the right.",
        "participant": "Who answered: the code of a person, as in participants.csv.",
        "preferred": "Which one is better: left, right, or none for no difference.",
        "kind": "rated (counts), repeat (the same pair again, its sides exchanged), gold (a known pair), or training.",
        "expected": "The right answer to a known pair or in training: left, right or none; empty elsewhere.",
        "reasons": "The reasons that were given, of those that the study offers, with spaces between.",
        "sitting": "Number of the person's sitting, from 1.",
        "sequence": "Number of the answer in its sitting; answers that were taken back have numbers too.",
        "response_ms": "Milliseconds from when both pictures were shown to the answer.",
        "flipped": "1 where the pictures were shown in turn, 0 side by side.",
        "width_px": "Width of a picture on the screen, in pixels of the screen.",
        "height_px": "Its height.",
        "pixel_ratio": "Pixels of the screen to a CSS pixel at that moment.",
        "rated_at": "When it was answered (UTC).",
        "used": "1 where the answer counts for the scale, else 0.",
    },
)
PAIRS = ExportTable(
    "pairs",
    "One pair that was compared, and how often it was answered how; answers that do not count are left out.",
    {
        "first": "Name of one picture, whichever side it stood on.",
        "second": "Name of the other one.",
        "first_better": "How many answers preferred the first.",
        "no_difference": "How many saw no difference.",
        "second_better": "How many preferred the second.",
    },
)
SCALE = ExportTable(
    "scale",
    "One picture that was compared.",
    {
        "stimulus": "Name of the picture.",
        "image": "Its file in this export; empty where it is not part of the training data.",
        "source": "The photo or person that it was made of, as handed in.",
        "condition": "What was done to it (a method, a codec at a level), as handed in.",
        "sha256": "SHA-256 of its file.",
        "jod": "Where it stands, in just-objectionable differences: of two that are 1 apart three in four people "
        "prefer the better one. The mean of a group is 0.",
        "ci95": "Half the width of the 95 % interval, against the mean of the group.",
        "comparisons": "In how many answers that count it stood.",
        "group": "Number of its group: pictures that comparisons link. Those of different groups cannot be compared.",
    },
)
CONDITIONS = ExportTable(
    "conditions",
    "One condition, where pictures have any: what was done to them, by the votes that count.",
    {
        "condition": "The condition, as handed in.",
        "pictures": "How many of its pictures have votes.",
        "sources": "Of how many photos or persons they were made.",
        "ratings": "How many grades count.",
        "mos": "The mean of the MOS of its pictures.",
        "ci95": "Half the width of its 95 % interval, for other photos and other people of the same kind.",
    },
)
PAIRED_CONDITIONS = ExportTable(
    "conditions",
    "One condition, where two or more were compared and share a source: what was done to pictures, by the answers that "
    "count.",
    {
        "condition": "The condition, as handed in.",
        "pictures": "How many of its pictures were compared.",
        "sources": "Of how many photos or persons they were made.",
        "comparisons": "In how many answers that count they stood.",
        "jod": "Where it puts a picture, in just-objectionable differences; the mean of all conditions is 0.",
        "ci95": "Half the width of its 95 % interval, for other photos and other people of the same kind.",
    },
)
"""CONDITIONS of a study of pairs."""
CONDITION_PAIRS = ExportTable(
    "condition_pairs",
    "Two conditions compared.",
    {
        "a": "One condition.",
        "b": "The other.",
        "sources": "The photos that they were compared on: those that both have or, if they share fewer than two, all.",
        "shared": "1 where both have these photos, else 0.",
        "difference": "How far the MOS of a lies above that of b; in a study of pairs, its JOD.",
        "ci95": "Half the width of its 95 % interval, not corrected.",
        "p": "Of no difference.",
        "p_corrected": "The same as one of all pairs, after Holm.",
    },
)
COMPLAINTS = ExportTable(
    "complaints",
    "One picture that reasons were given about, by answers that count.",
    {
        "stimulus": "Name of the picture.",
        "source": "The photo or person that it was made of, as handed in.",
        "condition": "What was done to it (a method, a codec at a level), as handed in.",
        **{
            reason: f"How often {reason} was given as a reason with its grade; of a pair, where the other one was "
            "preferred or neither. Empty where the study does not offer it."
            for reason in REASONS
        },
    },
)
PARTICIPANTS = ExportTable(
    "participants",
    "One person who took part or was invited.",
    {
        "participant": "The code of the person; nothing else is known of them here.",
        "language": "Language of the page when they joined.",
        "joined_at": "When their link was made or first followed (UTC).",
        "consented_at": "When they agreed to take part; empty where they never did, or for imported ratings.",
        "trained_at": "When they were through with the training.",
        "sittings": "How many sittings they began.",
        "votes_used": "1 where their votes count for the MOS, else 0.",
        "votes_reason": "Why, in the owner's words or those of a check.",
    },
)
SITTINGS = ExportTable(
    "sittings",
    "One sitting: a person's run from the consent or the last one to the completion code.",
    {
        "participant": "The code of the person.",
        "sitting": "Number of the sitting, from 1.",
        "started_at": "When it began (UTC).",
        "last_seen_at": "When something was last done in it.",
        "ended_at": "When it was finished; empty while it is open.",
        "active_s": "Seconds spent rating; a gap counts as a minute at most, breaks and training do not.",
        "planned": "Items that it was to have.",
        "rated": "Items answered, training left out.",
        "answers": "All answers, training and those that were taken back included.",
        "breaks": "Breaks taken.",
        "completion_code": "The code shown at the end.",
        "code_taken_at": "When the person copied it or followed it back to their panel; empty where they did neither.",
        "accepted": "Whether the sitting is accepted, to be paid: 1 or 0; empty while that is undecided.",
        "accepted_reason": "Why, in the owner's words.",
        **SCREEN,
    },
)
DECISION_TABLE = ExportTable(
    "decisions",
    "One decision about a person, oldest first; later ones replace earlier ones.",
    {
        "at": "When it was made (UTC).",
        "participant": "The code of the person.",
        "sitting": "Number of the sitting that it is about; empty where it is about all votes.",
        "decision": "accepted, rejected or undecided (a sitting: is it paid), votes used or votes left out (do they "
        "count).",
        "reason": "The reason that was given.",
        "by": "Who decided: the owner, or a member of the study by name; empty where that was not kept.",
    },
)
TEXTS = ExportTable(
    "texts",
    "One text as participants read it, in one language.",
    {
        "language": "Language of the text.",
        "text": "Which text: instructions, consent, eligibility, data_protection, question and its name, scale and the "
        "name of a further one, or grade and the grade that it is the word of, with the name of a further scale.",
        "shown": "The text itself.",
    },
)
SCALES = ExportTable(
    "scales",
    "Two scales that pictures are graded on.",
    {
        "a": "One scale.",
        "b": "The other.",
        "pictures": "How many pictures have a MOS on both.",
        "srcc": "Spearman's correlation of the two MOS.",
        "srcc_low": "Lower end of its 95 % interval.",
        "srcc_high": "Upper end.",
        "plcc": "Pearson's correlation.",
    },
)
TABLES = (
    RATINGS, MOS, CONDITIONS, CONDITION_PAIRS, SCALES, COMPARISONS, PAIRS, SCALE, COMPLAINTS, PARTICIPANTS, SITTINGS,
    DECISION_TABLE, TEXTS,
)  # fmt: skip
OF_GRADES, OF_PAIRS = (RATINGS, MOS, SCALES), (COMPARISONS, PAIRS, SCALE)
"""Those of studies in which pictures are graded, and of those in which pairs are compared."""
PEOPLE_TABLES = (RATINGS, COMPARISONS, PARTICIPANTS, SITTINGS, DECISION_TABLE)
"""Those that name people."""
OF_A_SCALE: Mapping[str, tuple[str, ...]] = {
    RATINGS.name: ("grade",),
    MOS.name: ("mos", "sos", "ci95", "ratings", "mos_p910", "ci95_p910", *DMOS),
    CONDITIONS.name: ("mos", "ci95"),
}
"""Columns that tables have once more for each further scale, with its name behind."""
ANSWER = "answer_"
"""Before the name of a question that participants were asked at the start: its column in PARTICIPANTS."""


def with_questions(table: ExportTable, protocol: StudyProtocol) -> ExportTable:
    """Return PARTICIPANTS with a column for each question of the study; every other table as it is."""
    if table is not PARTICIPANTS:
        return table
    texts = {
        each.name: each.text[each.language_for(protocol.language, protocol.language)] for each in protocol.questions
    }
    asked = {
        f"{ANSWER}{name}": f"Answer to “{text}”, in the wording of the study's first language; empty where they did "
        "not say."
        for name, text in texts.items()
    }
    return replace(table, columns={**table.columns, **asked})


def with_stored_answers(table: ExportTable) -> ExportTable:
    """Return a table with one column of all answers, where nobody can say what was asked; others as they are."""
    says = {
        PARTICIPANTS.name: {
            "start_answers": "What they answered at the start, as JSON by the names of the questions; empty where they "
            "were asked nothing."
        },
        RATINGS.name: {"more_grades": "The grades on further scales, as JSON by their names; empty without any."},
    }
    return replace(table, columns={**table.columns, **says.get(table.name, {})})


def with_scales(table: ExportTable, protocol: StudyProtocol) -> ExportTable:
    """Return a table with the columns of each further scale of the study behind those that it has of the first one."""
    titles = protocol.scale_titles(protocol.language)
    titles.pop(MAIN)
    if table is CONDITION_PAIRS and titles:
        return replace(table, columns={"scale": "The scale that they are compared on.", **table.columns})
    added = {
        f"{column}_{name}": f"`{column}` on the scale {name}, “{title}”."
        for name, title in titles.items()
        for column in OF_A_SCALE.get(table.name, ())
        if column in table.columns
    }
    return replace(table, columns={**table.columns, **added}) if added else table


def named(tables: Iterable[ExportTable]) -> dict[str, ExportTable]:
    """Return tables by their names: those of a study may have more columns."""
    return {table.name: table for table in tables}


def tables_of(protocol: StudyProtocol) -> tuple[ExportTable, ...]:
    """Return the tables of a study: of grades, or of comparisons."""
    method = method_of(protocol)
    others = [*(OF_GRADES if method.unit is Unit.PAIR else OF_PAIRS), *([] if protocol.reasons else [COMPLAINTS])]
    others += [] if protocol.more_scales else [SCALES]
    own = {
        MOS.name: replace(MOS, columns={**MOS.columns, **DMOS}) if method.add_dmos else MOS,
        CONDITIONS.name: PAIRED_CONDITIONS if method.unit is Unit.PAIR else CONDITIONS,
    }
    return tuple(with_scales(own.get(table.name, table), protocol) for table in TABLES if table not in others)


def readme(study: str, tables: tuple[ExportTable, ...], *, label: str | None) -> str:
    """Return the README of an export in Markdown: what each file is, and what each column says.

    `label` is what label.json calls the label of a picture; None where no pictures are exported.
    """
    files = [f"- `{each.name}.csv`, `{each.name}.json`: {each.row_is}" for each in tables]
    files += ["- `protocol.json`: the design of the study, its state, and when it was exported."]
    if label:
        files += [
            "- `dataset.json`: the scale, the splits, and how many pictures were left out of them and why.",
            f"- `train/`, `val/`, `test/`: the pictures as they are, with `label.json` (`Image`, `{label}`).",
        ]
    parts = [
        f"# {study}",
        "Tables of a labelling study. Times are in UTC; what is not known is empty.",
        "\n".join(files),
    ]
    for table in tables:
        columns = "\n".join(f"| `{name}` | {says} |" for name, says in table.columns.items())
        parts.append(f"## {table.name}\n\n{table.row_is}\n\n| Column | What it says |\n|---|---|\n{columns}")
    return "\n\n".join(parts) + "\n"
