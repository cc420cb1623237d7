"""The atlases of the app's checkpoints: found beside the weights or in the data folder, or built on first use."""

from collections.abc import Generator, Iterator
from functools import partial
from threading import Lock

from fiqa.checkpoints import CheckpointSpec
from fiqa.degradation.atlas import Atlas, atlas_cache, find_atlas, keep_atlas, weights_sha256
from fiqa.settings import Settings
from fiqa.ui.service import PredictorService


class AtlasCache:
    """Hands out atlases; safe to use from any thread. A checkpoint's atlas is built once, whoever needs it first."""

    def __init__(self, service: PredictorService, settings: Settings) -> None:
        self._service, self._settings = service, settings
        self._atlases: dict[str, Atlas] = {}
        self._locks: dict[str, Lock] = {}

    def find(self, checkpoint: str) -> Atlas | None:
        """Return the atlas of a checkpoint if there is one already; none is built."""
        spec = self._service.spec_of(checkpoint)
        if not self._is_ready(spec) and (atlas := find_atlas(spec, self._settings)) is not None:
            self._atlases[checkpoint] = atlas
        return self._atlases[checkpoint] if self._is_ready(spec) else None

    def get(self, checkpoint: str) -> Atlas:
        """Return the atlas of a checkpoint, waiting for it to be built if need be."""
        for _ in self.prepare(checkpoint):
            pass
        return self._atlases[checkpoint]

    def prepare(self, checkpoint: str) -> Iterator[tuple[int, int]]:
        """Get the atlas of a checkpoint ready; yields (done, total) while it has to be built."""
        spec = self._service.spec_of(checkpoint)
        if self._is_ready(spec):
            return
        with self._locks.setdefault(checkpoint, Lock()):
            if self._is_ready(spec):
                return
            atlas = find_atlas(spec, self._settings)
            if atlas is None:
                atlas = yield from self._build(checkpoint)
                keep_atlas(atlas, atlas_cache(spec, self._settings))
            self._atlases[checkpoint] = atlas

    def _is_ready(self, spec: CheckpointSpec) -> bool:
        """Whether there is an atlas for the weights that the checkpoint has now."""
        atlas = self._atlases.get(spec.name)
        return atlas is not None and atlas.checkpoint_sha256 == weights_sha256(spec)

    def _build(self, checkpoint: str) -> Generator[tuple[int, int], None, Atlas]:
        """Build a coarse atlas; each batch is a question of its own, so other visitors get their turn in between."""
        from fiqa.degradation.atlas_building import build_coarse_atlas, embed_coarse

        sha256 = weights_sha256(self._service.checkpoints[checkpoint])
        atlas = yield from build_coarse_atlas(
            lambda recipes: self._service.ask(checkpoint, partial(embed_coarse, recipes=recipes)), sha256
        )
        return atlas
