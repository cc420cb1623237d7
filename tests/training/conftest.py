"""Data that tests make themselves of the astronaut: a photo folder, and labelled photos with a network for them."""

import json
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray
from PIL import Image

from tests.training.face_shape import face_landmarks

TINY = {
    "crop_px": 32, "patch_px": 8, "encoder_widths": [4, 4], "encoder_strides": [2, 2], "encoder_grid": [1, 1],
    "backbone": "plain", "backbone_taps": [1], "plain_widths": [4, 8], "backbone_dim": 8, "stage_dims": [8, 8],
    "channel_attention_depth": 1, "swin_layers": 1, "swin_heads": 2, "swin_mlp_dim": 8, "decoder_dim": 8,
    "decoder_depth": 1, "decoder_heads": 2, "landmarks": "coordinates", "landmark_slots": 68,
    "landmark_frequencies": 1, "landmark_hidden": 8, "score_activation": "sigmoid", "dropout": 0.1, "drop_path": 0.0,
    "released_order": False, "preprocessing": {"view_px": 40, "crops": 1},
}  # fmt: skip


@pytest.fixture(scope="session")
def photo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty entries of twenty sources, thirteen of them pristine, all of one picture with landmarks on its face."""
    folder = tmp_path_factory.mktemp("photos")
    Image.fromarray(np.asarray(skimage.data.astronaut())[:320, 60:380]).save(folder / "astronaut.png")
    landmarks: NDArray[np.float32] = face_landmarks(centre=(162, 130), width_px=96)
    entries = [
        {
            "id": f"photo{index}",
            "file": "astronaut.png",
            "source_repo": f"source{index % 20}",
            "tag": "pristine" if index < 13 else "real",
            "landmarks68": landmarks.tolist(),
        }
        for index in range(40)
    ]
    (folder / "faces.json").write_text(json.dumps(entries), encoding="utf-8")
    return folder


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """Thirty faces of the astronaut, the darker the worse, rated 1 to 5."""
    folder = tmp_path / "faces"
    folder.mkdir()
    face = np.asarray(Image.fromarray(skimage.data.astronaut()[60:240, 130:310]).resize((64, 64)))
    np.save(folder / "face.npy", face_landmarks((32, 30), 30))
    rows = ["image,mos,landmarks"]
    for index in range(30):
        Image.fromarray((face * (0.1 + 0.03 * index)).astype(np.uint8)).save(folder / f"{index}.png")
        rows.append(f"{index}.png,{1 + 4 * index / 29:.3f},face.npy")
    (folder / "labels.csv").write_text("\n".join(rows))
    return folder


@pytest.fixture
def tiny(tmp_path: Path) -> str:
    path = tmp_path / "tiny.json"
    path.write_text(json.dumps(TINY))
    return str(path)
