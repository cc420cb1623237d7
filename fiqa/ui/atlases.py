"""The atlases of the app's checkpoints: found beside the weights or in the data folder, or built on first use."""

from collections.abc import Callable, Generator, Iterator
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, TypeVar, cast

from fiqa.atlas import Atlas, atlas_cache, find_atlas, keep_atlas, weights_sha256
from fiqa.errors import FiqaError
from fiqa.settings import Settings
from fiqa.ui.service import Predictor, PredictorService

if TYPE_CHECKING:
    from fiqa.predictor import QualityPredictor

Answer = TypeVar("Answer")


def ask(service: PredictorService, checkpoint: str, question: "Callable[[QualityPredictor], Answer]") -> Answer:
    """Return what `question` makes of the checkpoint's predictor, which it knows to be a QualityPredictor."""
    return service.ask(checkpoint, cast("Callable[[Predictor], Answer]", question))


class AtlasShelf:
    """Hands out atlases; safe to use from any thread. A checkpoint's atlas is built once, whoever needs it first."""

    def __init__(self, service: PredictorService) -> None:
        self._service = service
        self._atlases: dict[str, Atlas] = {}
        self._locks = {name: Lock() for name in service.checkpoints}

    def get(self, checkpoint: str) -> Atlas:
        """Return the atlas of a checkpoint, waiting for it to be built if need be."""
        for _ in self.prepare(checkpoint):
            pass
        return self._atlases[checkpoint]

    def prepare(self, checkpoint: str) -> Iterator[tuple[int, int]]:
        """Get the atlas of a checkpoint ready; yields (done, total) while it has to be built."""
        if checkpoint in self._atlases:
            return
        if checkpoint not in self._locks:
            raise FiqaError(f"Checkpoint {checkpoint!r} is not here; choose one of {', '.join(self._locks)}.")
        with self._locks[checkpoint]:
            if checkpoint in self._atlases:
                return
            settings = Settings.from_environment()
            spec = self._service.checkpoints[checkpoint]
            atlas = find_atlas(spec, settings)
            if atlas is None:
                atlas = yield from self._build(checkpoint)
                keep_atlas(atlas, atlas_cache(spec, settings))
            self._atlases[checkpoint] = atlas

    def _build(self, checkpoint: str) -> Generator[tuple[int, int], None, Atlas]:
        """Build a coarse atlas; each batch is a question of its own, so other visitors get their turn in between."""
        from fiqa.atlas_building import build_coarse_atlas, embed_coarse

        sha256 = weights_sha256(self._service.checkpoints[checkpoint])
        atlas = yield from build_coarse_atlas(
            lambda recipes: ask(self._service, checkpoint, partial(embed_coarse, recipes=recipes)), sha256
        )
        return atlas
