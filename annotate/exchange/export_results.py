"""What an export says came of a study: its pictures with their figures, pairs, conditions and complaints."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from annotate import queries
from annotate.analysis import conditions, correlations, load_comparisons, mos_rows, paired_conditions
from annotate.design.further_scales import MAIN
from annotate.design.items import ItemKind
from annotate.design.protocol import StudyProtocol
from annotate.exchange.export_rows import (
    complaint_rows,
)
from annotate.exchange.export_tables import (
    COMPLAINTS,
    CONDITION_PAIRS,
    CONDITIONS,
    MOS,
    OF_A_SCALE,
    PAIRS,
    SCALE,
    SCALES,
    ExportTable,
    Row,
    named,
    tables_of,
)
from annotate.exchange.layout import LabelledStimulus, Layout
from annotate.methods import method_of
from annotate.methods.method import Unit
from annotate.statistics.conditions import Conditions
from annotate.statistics.paired_conditions import PairedConditions


@dataclass(frozen=True)
class StudyResults:
    """What came of a study: its pictures with their figures, and how often each pair was answered how, if pairs were.

    `references` are the names of references by those of their pictures, `compared` the conditions by scale, under the
    main one's name where pairs were compared, `scales` how far every two scales go together.
    """

    pictures: Sequence[LabelledStimulus]
    pairs: Sequence[Row] | None
    references: Mapping[str, str]
    compared: Mapping[str, Conditions | PairedConditions]
    complaints: Sequence[Row]
    scales: Sequence[Row] = ()

    def tables(self, protocol: StudyProtocol, layout: Layout) -> Iterator[tuple[ExportTable, Iterable[Row]]]:
        """Yield the tables that hold the results."""
        tables = named(tables_of(protocol))
        if self.pairs is None:
            rows = _picture_rows(self.pictures, layout)
            yield tables[MOS.name], ({**row, "reference": self.references.get(row["stimulus"])} for row in rows)
        else:
            yield PAIRS, self.pairs
            yield SCALE, _picture_rows([each for each in self.pictures if each.figures["comparisons"]], layout)
        yield tables[CONDITIONS.name], self._condition_rows()
        yield tables[CONDITION_PAIRS.name], self._condition_pair_rows()
        if protocol.more_scales:
            yield SCALES, self.scales
        if protocol.reasons:
            yield COMPLAINTS, self.complaints

    def _condition_rows(self) -> Iterator[Row]:
        """Yield a row per condition, with its MOS on further scales."""
        first, *others = self.compared
        further = {name: {each.condition: each.row() for each in self.compared[name].figures} for name in others}
        for each in self.compared[first].figures:
            beside = {
                f"{figure}_{name}": rows.get(each.condition, {}).get(figure)
                for name, rows in further.items()
                for figure in OF_A_SCALE[CONDITIONS.name]
            }
            yield {**each.row(), **beside}

    def _condition_pair_rows(self) -> Iterator[Row]:
        for scale, compared in self.compared.items():
            yield from ({"scale": scale, **each.row()} for each in compared.pairs)


def read_results(db: Session, study_id: int, protocol: StudyProtocol) -> StudyResults:
    """Read what came of a study, in the open transaction."""
    references = queries.stimuli.reference_names(db, study_id)
    complaints = [*complaint_rows(db, study_id, protocol.reasons)] if protocol.reasons else []
    if method_of(protocol).unit is Unit.PAIR:
        pictures, pairs = _compared_pictures(db, study_id)
        found = paired_conditions(db, study_id) if pairs else PairedConditions()
        return StudyResults(pictures, pairs, references, {MAIN: found}, complaints)
    compared = {name: conditions(db, study_id, name) for name in protocol.scale_names}
    scales = [each.row() for each in correlations(db, study_id)] if protocol.more_scales else []
    pictures = _graded_pictures(db, study_id, protocol.scale_names[1:])
    return StudyResults(pictures, None, references, compared, complaints, scales)


def _compared_pictures(db: Session, study_id: int) -> tuple[list[LabelledStimulus], list[Row]]:
    """Return the stimuli to be compared with where they stand, and the answers to each pair; both from what counts."""
    from annotate.statistics.paired_scale import count_pairs, fit_paired_scale

    rated = [each.name for each in queries.stimuli.all_stimuli(db, study_id) if each.kind is ItemKind.RATED]
    figures: dict[str, Row] = {name: {"stimulus": name, "jod": None, "comparisons": 0} for name in rated}
    pairs: list[Row] = []
    if queries.ratings.has_votes(db, study_id):
        comparisons = load_comparisons(db, study_id)
        figures |= {row["stimulus"]: row for row in fit_paired_scale(comparisons).rows()}
        names, counted = comparisons.stimulus_ids, count_pairs(comparisons)
        pairs = [
            dict(zip(PAIRS.columns, (names[first], names[second], *map(int, answers)), strict=True))
            for first, second, answers in zip(*counted, strict=True)
        ]
    return _with_figures(db, study_id, figures), pairs


def _graded_pictures(db: Session, study_id: int, further: Sequence[str]) -> list[LabelledStimulus]:
    """Return the stimuli to be rated, in the order they were added, with their figures, also on further scales."""
    figures = {row["stimulus"]: row for row in mos_rows(db, study_id)}
    for scale in further:
        for row in mos_rows(db, study_id, scale):
            own = {f"{name}_{scale}": row[name] for name in OF_A_SCALE[MOS.name] if name in row}
            figures[row["stimulus"]] |= own
    return _with_figures(db, study_id, figures)


def _with_figures(db: Session, study_id: int, figures: Mapping[str, Row]) -> list[LabelledStimulus]:
    return [
        LabelledStimulus(
            each.name, each.sha256, each.format, each.size_bytes, each.source, each.condition, figures[each.name]
        )
        for each in queries.stimuli.all_stimuli(db, study_id)
        if each.name in figures
    ]


def _picture_rows(pictures: Iterable[LabelledStimulus], layout: Layout) -> Iterator[Row]:
    for picture in pictures:
        file = layout.files.get(picture.name)
        yield {
            **picture.figures, "image": file and file.as_posix(), "source": picture.source,
            "condition": picture.condition, "sha256": picture.sha256,
        }  # fmt: skip
