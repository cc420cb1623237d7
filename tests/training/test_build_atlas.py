"""An atlas from rendered views, small, beside the weights it belongs to."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from fiqa.checkpoints import find_checkpoint
from fiqa.degradation.atlas import ATLAS, TYPES, load_atlas
from fiqa.degradation.synthetic import DEGRADATIONS, degrade
from training import build_atlas
from training.data.rendering import VIEW_PX
from training.errors import DataError


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A copy of the bundled checkpoint without its atlas."""
    lite = find_checkpoint("lite")
    assert lite.folder is not None
    folder = tmp_path / "mine"
    shutil.copytree(lite.folder, folder, ignore=shutil.ignore_patterns(ATLAS))
    return folder


def save_shard(folder: Path, name: str, split: str, levels: list[float]) -> None:
    """Save what the atlas needs of a shard of `training.pseudo_mos`: the astronaut under every type, and clean."""
    face = Image.fromarray(skimage.data.astronaut()).crop((130, 40, 320, 230)).resize((VIEW_PX, VIEW_PX))
    steps = [[], *([(kind, level)] for kind in DEGRADATIONS for level in levels)]
    severity = [[dict(each).get(kind, 0.0) for kind in DEGRADATIONS] for each in steps]
    views = np.stack([degrade(np.asarray(face), each) for each in steps])
    np.savez(folder / f"{name}.npz", views=views, severity=np.array(severity, np.float32), split=np.array(split))


def test_rendered_views_make_an_atlas_that_belongs_to_the_weights(checkpoint: Path, tmp_path: Path) -> None:
    for name, split in (("first", "train"), ("second", "train"), ("third", "val")):
        save_shard(tmp_path, name, split, [0.4, 0.8])
    save_shard(tmp_path, "other", "test", [1.0])
    build_atlas.main(["--views", str(tmp_path), "--checkpoint", str(checkpoint)])
    atlas = load_atlas(checkpoint / ATLAS)
    assert atlas.checkpoint_sha256 == find_checkpoint("lite").sha256
    assert atlas.origin.startswith("3 faces under 12 degradations")
    assert sorted(np.unique(atlas.types)) == list(range(len(TYPES)))
    assert atlas.severity.max() == pytest.approx(0.8, abs=1e-3)  # views held aside are not in it


def test_without_views_the_way_out_is_named(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="pseudo_mos"):
        build_atlas.main(["--views", str(tmp_path), "--checkpoint", str(checkpoint)])
