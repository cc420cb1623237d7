"""Paired comparison: which of two pictures is better, or neither (ITU-T P.910)."""

from annotate.design.protocol import StudyProtocol
from annotate.design.review import StimulusSummary
from annotate.errors import StudyStateError
from annotate.methods.method import NO_REFERENCES, AnswerKind, Method, Show, Unit, Workload
from annotate.pair_designs import count_answers


def _check_design(protocol: StudyProtocol, stimuli: StimulusSummary) -> None:
    if protocol.pair_reference and (count := stimuli.without_reference):
        raise StudyStateError(NO_REFERENCES.format(f"Pictures without a reference: {count}"))
    if not stimuli.pairs and max(stimuli.group_sizes, default=0) < 2:
        raise StudyStateError(
            "No two pictures have the same source, so there is nothing to compare; correct the column source of "
            "stimuli.csv, or set pair_across_sources=true."
        )


def _workload(protocol: StudyProtocol, stimuli: StimulusSummary) -> Workload:
    return Workload(*count_answers(stimuli.group_sizes, protocol))


_FIXED = {"trap_every": 0, "offer_unusable": False}

METHOD = Method(
    "pairs",
    "Compare two pictures (paired comparison)",
    roles=lambda protocol: ("reference", "left", "right") if protocol.pair_reference else ("left", "right"),
    show=lambda _protocol: Show.BESIDE,
    unit=Unit.PAIR,
    answer=AnswerKind.PREFERENCE,
    check_design=_check_design,
    workload=_workload,
    scales=(),
    defaults={"ratings_wanted": 10, "training_count": 2, "more_scales": (), **_FIXED},
    fixed=_FIXED,
    settings=(
        "offer_no_difference",
        "pair_design",
        "pair_partners",
        "pair_certainty",
        "pair_information",
        "pair_across_sources",
        "pair_reference",
    ),
    references=lambda protocol: protocol.pair_reference,
    rates_references=False,
    unused=("gold_tolerance", "more_scales"),
)
