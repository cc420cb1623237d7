"""What is in a folder of ONNX files, and what its card says.

    detector.onnx      photos (B, 3, H, W) in 0..1 -> centre_logits (B, h, w), boxes (B, 4, h, w)
    first_look.onnx    views (B, 3, 160, 160) -> landmarks (B, 68, 2) in 0..1 of the view, face_logits (B,)
    second_look.onnx   views, rough_landmarks (B, 68, 2) -> landmarks, face_logits
    quality.onnx       views (N, 3, V, V), face_landmarks (N, 68, 2) in pixels of the view -> crop_scores (N, K)
    quality.int8.onnx  the same with convolutions in 8 bits
    checkpoint.json    the checkpoint's card, as beside its weights
    onnx.json          this module's card

All of them take any number at a time, the detector photos of any size.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fiqa.errors import CheckpointError

DETECTOR, FIRST_LOOK, SECOND_LOOK = "detector.onnx", "first_look.onnx", "second_look.onnx"
QUALITY, QUALITY_INT8 = "quality.onnx", "quality.int8.onnx"
CARD = "onnx.json"
OPSET = 20
"""Of ONNX: the first that can turn a crop by a matrix (AffineGrid)."""


@dataclass(frozen=True)
class OnnxCard:
    """What the files do not say: the checkpoint's name, the side of a crop, Student's t for intervals of crops.

    `int8` compares scores in 8 bits with those of quality.onnx: "srcc", "mean_difference", "largest_difference", and
    over how many "views".
    """

    checkpoint: str
    opset: int
    crop_px: int
    student_t: float
    int8: dict[str, float] | None = None

    def write(self, folder: Path) -> None:
        """Write the card into a folder."""
        (folder / CARD).write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")


def read_card(folder: Path) -> OnnxCard:
    """Return the card of a folder; raise CheckpointError where there is none, or it is damaged."""
    try:
        values: dict[str, Any] = json.loads((folder / CARD).read_text(encoding="utf-8"))
        return OnnxCard(**values)
    except FileNotFoundError as error:
        raise CheckpointError(
            f"{folder} is no folder of ONNX files: it has no {CARD}. "
            f"Write one with `fiqa export lite --output {folder}`."
        ) from error
    except (OSError, ValueError, TypeError) as error:
        raise CheckpointError(f"{folder / CARD} is damaged or of another version: {error}.") from error
