"""The endpoint `/curate`: what the Curate tab does, for programs."""

from collections import Counter
from typing import Any

import gradio as gr

from fiqa.curation.curation import make_stamp
from fiqa.curation.rules import VERDICTS
from fiqa.errors import FiqaError, SettingError
from fiqa.ui.curate.examining import UploadExaminer, unexamined
from fiqa.ui.curate.state import (
    GOOD,
    NONE,
    REFERENCE,
    SCORE,
    SHARE,
    Choices,
    CurationState,
    ExaminedPhoto,
    check_choices,
    sort_page,
)
from fiqa.ui.photos import SCORING, SCORING_LIMIT
from fiqa.ui.service import PredictorService, translate_errors


class CurateEndpoint:
    """Curates uploads of programs."""

    def __init__(self, service: PredictorService, examiner: UploadExaminer) -> None:
        self.service, self.examiner = service, examiner

    def curate_files(
        self,
        photos: list[str] | None,
        checkpoint: str,
        keep_share: float | None = None,
        threshold: float | None = None,
        percentile: float | None = None,
        reference: list[str] | None = None,
        best_of: float | None = None,
        near_duplicates: bool = False,
        without: Any = None,
        persons: Any = None,
        persons_by_face: bool = False,
    ) -> dict[str, Any]:
        """Sort photos into keep, maybe and drop.

        Args:
            photos: Image files, or zips of folders of them.
            checkpoint: Name of the checkpoint to score with.
            keep_share: The share of the scored photos to keep, above 0 and up to 1.
            threshold: The score from which photos are kept; without any rule it is where Good begins.
            percentile: 0 to 100; the threshold is that percentile of the photos in reference.
            reference: Image files, or zips, as good as one's own should be.
            best_of: How many photos to keep of each folder, or of each person in persons.
            near_duplicates: Keep the best of photos that look alike only.
            without: Degradations that are not wanted, as a list: blur, noise, compression, light, or single types.
            persons: Who is on a photo, as an object of file name and person.
            persons_by_face: Tell persons by their faces instead, where the extra identity is installed.

        Returns:
            counts by verdict, threshold, photos (name, verdict, reason, score, faces ...), score_range, notices, and a
            stamp of what it was computed with.
        """
        try:
            with translate_errors():
                rules = _rules(
                    keep_share, threshold, percentile, best_of, without,
                    near_duplicates=near_duplicates, by_face=persons_by_face,
                )  # fmt: skip
                if (percentile is None) != (not reference):
                    raise SettingError("A percentile is taken of a reference set: send both, or neither.")
                score_range, named = self.service.spec_of(checkpoint).score_range, _persons(persons)
                check_choices(rules, score_range, persons=named)
                examined = self._examined(photos, checkpoint, "photos", embeds=persons_by_face)
                state = CurationState(examined, score_range=score_range, persons=named)
                if reference:
                    examined = self._examined(reference, checkpoint, "reference")
                    state.reference = tuple(each.facts.score for each in examined if each.facts.score is not None)
                    if not state.reference:
                        raise SettingError("Not one photo of the reference set has a score: send photos with a face.")
                return self._answer(state, rules, checkpoint)
        except FiqaError as error:
            raise gr.Error(str(error), print_exception=False) from None

    def _examined(
        self, paths: list[str] | None, checkpoint: str, called: str, *, embeds: bool = False
    ) -> tuple[ExaminedPhoto, ...]:
        if not paths:
            raise SettingError(f"There are no files in {called}: send image files, or a zip of them.")
        examine = self.examiner.examine
        return tuple(examine(photo.facts.name, photo.file, checkpoint, embeds=embeds) for photo in unexamined(paths))

    def _answer(self, state: CurationState, rules: Choices, checkpoint: str) -> dict[str, Any]:
        page = sort_page(state, rules)
        counts = Counter(photo.verdict for photo in page.photos)
        return {
            "counts": {verdict: counts[verdict] for verdict in VERDICTS},
            "threshold": None if page.threshold is None else page.threshold.to_dict(),
            "photos": [photo.to_dict() for photo in page.photos],
            "score_range": list(state.score_range),
            "notices": list(page.notices),
            "stamp": self.service.ask(checkpoint, lambda predictor: make_stamp(predictor, None)),
        }


def _rules(
    keep_share: float | None,
    threshold: float | None,
    percentile: float | None,
    best_of: float | None,
    without: Any,
    *,
    near_duplicates: bool,
    by_face: bool,
) -> Choices:
    """Return what is asked for as the page asks for it; raises SettingError when it makes no sense."""
    given = {SHARE: keep_share, SCORE: threshold, REFERENCE: percentile}
    ways = [way for way, value in given.items() if value is not None]
    if len(ways) > 1:
        raise SettingError("A threshold was asked for in several ways: send one of keep_share, threshold, percentile.")
    if best_of is not None and (best_of < 1 or best_of != int(best_of)):
        raise SettingError(f"The best {best_of:g} cannot be kept: send a whole number from 1 in best_of.")
    names = _names(without)
    other = NONE if best_of or near_duplicates or names else GOOD
    return Choices(
        ways[0] if ways else other, 100 * (keep_share or 0.0), threshold or 0.0, percentile or 0.0, near_duplicates,
        best_of or 0, names, by_face,
    )  # fmt: skip


def _names(without: Any) -> tuple[str, ...]:
    if without is None:
        return ()
    if not isinstance(without, list) or not all(isinstance(name, str) for name in without):
        raise SettingError('Degradations that are not wanted are a list of names: send without=["blur", "noise"].')
    return tuple(without)


def _persons(persons: Any) -> tuple[tuple[str, str], ...]:
    if persons is None:
        return ()
    if not isinstance(persons, dict) or not all(isinstance(person, str) for person in persons.values()):
        raise SettingError('Persons are an object of file name and person: send persons={"a.jpg": "Eileen"}.')
    return tuple(persons.items())


def build_curate_endpoint(service: PredictorService, examiner: UploadExaminer, checkpoint: gr.Dropdown) -> None:
    """Offer `/curate` to `gradio_client`, on components that nobody sees: Gradio checks files given to them."""
    with gr.Row(visible=False):
        photos, reference = (gr.File(file_count="multiple", label=label) for label in ("Photos", "Reference"))
        share, score, percentile, best_of = (
            gr.Number(None, label=label) for label in ("Keep share", "Threshold", "Percentile", "Best of")
        )
        near_duplicates = gr.Checkbox(False, label="Near-duplicates")
        without, persons = gr.JSON(label="Without"), gr.JSON(label="Persons")
        by_face = gr.Checkbox(False, label="Persons by face")
        answer = gr.JSON(label="Curation")
    gr.Button("curate", visible=False).click(
        CurateEndpoint(service, examiner).curate_files,
        [photos, checkpoint, share, score, percentile, reference, best_of, near_duplicates, without, persons, by_face],
        answer,
        api_name="curate",
        concurrency_limit=SCORING_LIMIT,
        concurrency_id=SCORING,
    )
