"""What a reviewer would object to in the design of a study, before it is opened."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from annotate.design.items import ItemKind
from annotate.design.languages import LANGUAGES
from annotate.design.protocol import TEXTS, StudyProtocol, StudyTexts
from annotate.design.sitting_plan import USUAL_TIME, ItemTime, checks_asked_for, largest_sitting, within_limit
from annotate.errors import StudyStateError
from annotate.wording import counted, listed

FEWEST_RATINGS = 15
"""Of one picture, for a MOS to be worth reporting (ITU-R BT.500)."""
LONGEST_SITTING_S = 1800
"""ITU-R BT.500: a sitting should last no longer."""
FEWEST_OF_A_PERSON, FEWEST_FOR_CHECKS = 20, 15
"""Ratings of one person, for the P.910 estimate (`annotate.statistics.mos`) and for checks by spread, haste and
agreement (`annotate.statistics.findings`)."""
FEWEST_FOR_A_REPEAT = 6
"""A repeat comes after a few others."""
LAPTOP_PX = (1366, 768)
"""The smallest usual window of a computer, full screen."""
AROUND_PX = (32, 210)
"""What the rating page needs beside the picture, as `around` in `annotate/ui/rating/screen.js`."""
PHONE_PX = 430
"""No usual phone is wider, in pixels of CSS."""

KIND_NAMES: Mapping[ItemKind, tuple[str, str]] = {
    ItemKind.RATED: ("picture to rate", "pictures to rate"),
    ItemKind.GOLD: ("known answer", "known answers"),
    ItemKind.TRAP: ("attention check", "attention checks"),
    ItemKind.TRAINING: ("training picture", "training pictures"),
    ItemKind.REFERENCE: ("reference", "references"),
}
"""What each kind is called, one and several."""
PAIR_NAMES: Mapping[ItemKind, tuple[str, str]] = {
    **KIND_NAMES,
    ItemKind.GOLD: ("known pair", "known pairs"),
    ItemKind.TRAINING: ("training pair", "training pairs"),
}
"""The same where pairs are compared."""
TEXT_NAMES: Mapping[str, str] = {
    "instructions": "The instructions",
    "consent": "The consent",
    "eligibility": "Who may take part",
    "data_protection": "The data protection text",
}


@dataclass(frozen=True)
class StimulusSummary:
    """What the stimuli of a study are, all together.

    counts:            by kind; where pairs are compared, known answers and training in pairs
    largest_px:        largest width and largest height
    pairs:             to compare; None where pictures are rated singly
    with_reference:    pictures to rate that have one
    without_reference: pictures to rate, gold and training pictures that have none
    silent_training:   training pictures that say nothing about an answer: no expected grade, no feedback
    without_score:     pictures to rate that have no score of a model, where the design of pairs goes by them
    group_sizes:       pictures of each source, or of all, that are compared with each other; where pairs are
    unpaired:          known answers and training pictures that are in no pair; where pairs are compared
    planned_pairs:     that the design compares, at most; where pairs are
    item:              what looking at an item and answering it take
    """

    counts: Mapping[ItemKind, int] = field(default_factory=dict)
    largest_px: tuple[int, int] = (0, 0)
    silent_training: int = 0
    pairs: int | None = None
    with_reference: int = 0
    without_reference: int = 0
    group_sizes: tuple[int, ...] = ()
    without_score: int = 0
    unpaired: int = 0
    planned_pairs: int = 0
    item: ItemTime = USUAL_TIME

    @property
    def units(self) -> int:
        """How many pictures or, where these are compared, pairs there are to rate, at most."""
        return self[ItemKind.RATED] if self.pairs is None else max(self.pairs, self.planned_pairs)

    def __getitem__(self, kind: ItemKind) -> int:
        """Return how many there are of a kind."""
        return self.counts.get(kind, 0)


def check_ready(protocol: StudyProtocol, stimuli: StimulusSummary, now: datetime) -> tuple[str, ...]:
    """Raise StudyStateError when a study cannot be opened; return what to warn of when it can."""
    if not stimuli[ItemKind.RATED]:
        raise StudyStateError("The study has no pictures to rate; add some before opening it.")
    if protocol.closes_at and protocol.closes_at <= now:
        raise StudyStateError("The deadline has passed, so nobody could begin; move it before opening the study.")
    if protocol.identifiers_until and protocol.identifiers_until <= now:
        raise StudyStateError("The date on which panel identifiers are deleted has passed; move it before opening.")
    return warn(protocol, stimuli)


def warn(protocol: StudyProtocol, stimuli: StimulusSummary) -> tuple[str, ...]:
    """Say what a reviewer would object to in a design."""
    return (
        *_warn_of_checks(protocol, stimuli),
        *_warn_of_training(protocol, stimuli),
        *_warn_of_unpaired(stimuli),
        *_warn_of_effort(protocol, stimuli),
        *_warn_of_few_pictures(stimuli),
        *_warn_of_scores(protocol, stimuli),
        *_warn_of_screens(protocol, stimuli),
        *_warn_of_languages(protocol),
    )


def _warn_of_checks(protocol: StudyProtocol, stimuli: StimulusSummary) -> list[str]:
    """Compare the checks with what one sitting asks for: a participant sees each of them once."""
    counts = {**stimuli.counts, ItemKind.RATED: stimuli.units}
    return [
        f"A sitting asks for {_named(kind, asked, stimuli)}; the study has {stimuli[kind] or 'none'}. Add some, or ask "
        "for none."
        for kind, asked in checks_asked_for(protocol, counts).items()
        if stimuli[kind] < asked
    ]


def _warn_of_unpaired(stimuli: StimulusSummary) -> list[str]:
    if not stimuli.unpaired:
        return []
    few = counted(stimuli.unpaired, "known or training picture makes", "known and training pictures make")
    return [
        f"{few} no pair: two of one source do, of which one is better or, where no difference may be answered, none is."
    ]


def _warn_of_training(protocol: StudyProtocol, stimuli: StimulusSummary) -> list[str]:
    warnings = []
    if stimuli[ItemKind.TRAINING] < protocol.training_count:
        asked = _named(ItemKind.TRAINING, protocol.training_count, stimuli)
        warnings.append(f"The protocol asks for {asked}; the study has {stimuli[ItemKind.TRAINING] or 'none'}.")
    if stimuli.silent_training:
        silent = _named(ItemKind.TRAINING, stimuli.silent_training, stimuli)
        warnings.append(f"Without an expected grade and without feedback: {silent}. People learn nothing from that.")
    return warnings


def _warn_of_effort(protocol: StudyProtocol, stimuli: StimulusSummary) -> list[str]:
    warnings = []
    if stimuli.pairs is None and protocol.ratings_wanted < FEWEST_RATINGS:
        warnings.append(f"{protocol.ratings_wanted} ratings per picture are few; BT.500 asks for {FEWEST_RATINGS}.")
    if protocol.sitting_limit_s > LONGEST_SITTING_S:
        minutes = protocol.sitting_limit_s / 60
        warnings.append(f"Sittings of {minutes:g} minutes tire; BT.500 asks for half an hour at most.")
    if protocol.repeat_every and 0 < stimuli.units < FEWEST_FOR_A_REPEAT:
        units = "pictures" if stimuli.pairs is None else "pairs"
        warnings.append(f"There are too few {units} for a repeated one, so nobody's consistency can be checked.")
    return warnings + _warn_of_the_limit(protocol, stimuli)


def _warn_of_the_limit(protocol: StudyProtocol, stimuli: StimulusSummary) -> list[str]:
    """Warn where a sitting ends by its time before its items are through."""
    counts, seconds = {**stimuli.counts, ItemKind.RATED: stimuli.units}, stimuli.item.seconds
    planned = sum(largest_sitting(protocol, counts).values())
    reached = within_limit(protocol, stimuli.item).sitting_items
    if planned <= reached:
        return []
    units, minutes = "pictures" if stimuli.pairs is None else "pairs", protocol.sitting_limit_s / 60
    said = f"At about {round(seconds, 1):g} s each, people get to {reached} of the {planned} {units} of a sitting"
    return [f"{said} before its {minutes:g} minutes are over. Ask for fewer, or for more sittings."]


def _warn_of_few_pictures(stimuli: StimulusSummary) -> list[str]:
    """Say what a design of few pictures cannot give, however many people rate them: nobody can rate more of them."""
    pictures = stimuli[ItemKind.RATED]
    if stimuli.pairs is not None or not 0 < pictures < FEWEST_OF_A_PERSON:
        return []
    said = (
        f"With {_named(ItemKind.RATED, pictures, stimuli)} nobody gives the {FEWEST_OF_A_PERSON} ratings that the "
        "P.910 estimate needs of a person: results are MOS without it."
    )
    if pictures < FEWEST_FOR_CHECKS:
        said += f" Nor can anybody be checked by spread, haste or agreement, which takes {FEWEST_FOR_CHECKS} answers."
    return [said]


def _warn_of_scores(protocol: StudyProtocol, stimuli: StimulusSummary) -> list[str]:
    """Warn of what will keep a study from being opened."""
    if not stimuli.without_score:
        return []
    lack = f"{_named(ItemKind.RATED, stimuli.without_score, stimuli)} lack; the study cannot be opened without them."
    return [f"The design {protocol.pair_design} goes by scores, which {lack}"]


def _warn_of_screens(protocol: StudyProtocol, stimuli: StimulusSummary) -> list[str]:
    """Warn of pictures that many screens cannot show, and of phones that show them the size of a stamp."""
    width_px, height_px = stimuli.largest_px
    size = f"The largest picture has {width_px}×{height_px} pixels"
    needed = (width_px + AROUND_PX[0], height_px + AROUND_PX[1])
    warnings = []
    if needed[0] > LAPTOP_PX[0] or needed[1] > LAPTOP_PX[1]:
        warnings.append(
            f"{size}. Shown unscaled, with the buttons, it needs a window of {needed[0]}×{needed[1]}; a small laptop "
            f"has {LAPTOP_PX[0]}×{LAPTOP_PX[1]}."
        )
    if width_px > PHONE_PX and not protocol.min_screen_side_px:
        warnings.append(
            f"{size}. Phones with small pixels show that only a few centimetres wide; to leave them out, set "
            "“Smallest screen” to 600."
        )
    return warnings


def _warn_of_languages(protocol: StudyProtocol) -> list[str]:
    """Warn of languages that the owner's own words are missing in."""
    warnings = []
    for name in TEXTS:
        own = [each for each in protocol.languages if getattr(protocol.texts.get(each, StudyTexts()), name)]
        missing = [LANGUAGES[each] for each in protocol.languages if each not in own]
        if own and missing:
            whose = f"yours in {listed([LANGUAGES[each] for each in own])}, but the app's own in {listed(missing)}"
            warnings.append(f"{TEXT_NAMES[name]}: {whose}. Translate, or do not offer {listed(missing, 'or')}.")
    for question in protocol.questions:
        missing = [LANGUAGES[each] for each in protocol.languages if each not in question.text]
        if missing:
            warnings.append(f"The question {question.name} is missing in {listed(missing)}.")
    return warnings


def _named(kind: ItemKind, count: int, stimuli: StimulusSummary) -> str:
    names = KIND_NAMES if stimuli.pairs is None else PAIR_NAMES
    return f"{count} {names[kind][count != 1]}"
