"""Uploaded photos, examined one by one in turn with the photos of the other tabs."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from fiqa.curation.photo_facts import PhotoFacts, diagnose_face, facts_of, with_embedding
from fiqa.errors import FiqaError
from fiqa.photos.archives import PhotoFile, photo_source
from fiqa.photos.thumbnails import thumbnail_uri
from fiqa.ui.curate.state import ExaminedPhoto
from fiqa.ui.curate.uploads import name_uploads
from fiqa.ui.photos import decode_upload
from fiqa.ui.service import PredictorService

if TYPE_CHECKING:
    from fiqa.degradation.atlas import Atlas


def unexamined(paths: Sequence[str] | None) -> tuple[ExaminedPhoto, ...]:
    """Return what was uploaded, of which nothing is known yet; raises SettingError."""
    return tuple(ExaminedPhoto(PhotoFacts(name), file) for name, file in name_uploads(paths).items()) if paths else ()


class UploadExaminer:
    """Scores uploads, and diagnoses them where the checkpoint has an atlas already; safe to use from any thread.

    `find_atlas` takes the name of a checkpoint and returns its atlas, None where there is none yet.
    """

    def __init__(self, service: PredictorService, find_atlas: "Callable[[str], Atlas | None]") -> None:
        self.service, self._find_atlas = service, find_atlas

    def examine(self, name: str, file: PhotoFile, checkpoint: str, *, embeds: bool = False) -> ExaminedPhoto:
        """Return what is known of one upload; what cannot be scored has an error instead.

        `embeds` asks for what tells the person, which needs the extra `identity`.
        """
        try:
            photo = decode_upload(photo_source(file))
            result = self.service.score(checkpoint, photo)
            atlas, finding = self._find_atlas(checkpoint), None
            if atlas is not None:
                finding = self.service.ask(
                    checkpoint, lambda predictor: diagnose_face(predictor, photo.pixels, result.chosen, atlas)
                )
        except FiqaError as error:
            return ExaminedPhoto(PhotoFacts(name, error=str(error)), file)
        facts = facts_of(name, photo.pixels, result, finding)
        if embeds:  # in the predictor's thread: dlib's network is one for all
            facts = self.service.ask(checkpoint, lambda _: with_embedding(facts, photo.pixels, result.chosen))
        return ExaminedPhoto(facts, file, thumbnail_uri(photo.pixels, result.chosen.box_xyxy))
