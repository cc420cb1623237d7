"""Writes a checkpoint, and the networks that find faces, as ONNX files; see `fiqa.onnx.files` for what they take."""

import gc
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

from fiqa.checkpoints import find_checkpoint, write_card
from fiqa.errors import CheckpointError, SettingError
from fiqa.faces.finders import load_detector_network
from fiqa.faces.landmarks import VIEW_MARGIN, VIEW_PX, load_landmark_network
from fiqa.loading import load_network
from fiqa.metric.views import ViewQuality
from fiqa.models.folding import folded
from fiqa.models.landmark_network import CROP_MARGIN, FirstLook, SecondLook
from fiqa.onnx.files import DETECTOR, FIRST_LOOK, OPSET, QUALITY, SECOND_LOOK, OnnxCard
from fiqa.onnx.quantisation import only_errors_of, write_int8
from fiqa.predictor import student_quantile

ANY = torch.export.Dim.DYNAMIC


def export_onnx(checkpoint: str | Path, folder: str | Path, *, int8: bool = True) -> OnnxCard:
    """Write a checkpoint as a folder of ONNX files; return its card.

    Args:
        checkpoint: Name, folder, or owner/repository on the Hugging Face Hub.
        folder: Where to write; made if it is not there.
        int8: Write the quality network in 8 bits too, and measure how it agrees.

    Raises:
        CheckpointError: The checkpoint cannot be loaded, or the folder cannot be written.
        SettingError: What writes ONNX files is not installed.
    """
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise SettingError(
            f"Writing ONNX needs {error.name}, which is not installed: run `pip install 'fiqa[onnx-export]'`."
        ) from error
    spec, folder = find_checkpoint(checkpoint), Path(folder)
    quality = ViewQuality(load_network(spec), spec)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write_finder(folder)
        _write_quality(quality, folder / QUALITY)
        write_card(spec, folder)
        card = OnnxCard(spec.name, OPSET, quality.config.crop_px, student_quantile(spec.preprocessing.crops))
        card.write(folder)
        if int8:
            card = write_int8(folder, card)
            card.write(folder)
    except OSError as error:
        raise CheckpointError(f"{folder} cannot be written: {error}; name a folder that can.") from error
    return card


def _write_finder(folder: Path) -> None:
    landmarks = folded(load_landmark_network())
    views, rough = torch.rand(2, 3, VIEW_PX, VIEW_PX), torch.rand(2, 68, 2)
    outputs = ["landmarks", "face_logits"]
    _write(
        folded(load_detector_network()), {"photos": torch.rand(2, 3, 96, 160)}, [(0, 2, 3)],
        ["centre_logits", "boxes"], folder / DETECTOR,
    )  # fmt: skip
    first = FirstLook(landmarks, CROP_MARGIN / VIEW_MARGIN)
    _write(first, {"views": views}, [(0,)], outputs, folder / FIRST_LOOK)
    inputs = {"views": views, "rough_landmarks": rough}
    _write(SecondLook(landmarks), inputs, [(0,), (0,)], outputs, folder / SECOND_LOOK)


def _write_quality(quality: ViewQuality, path: Path) -> None:
    side = quality.view_px
    inputs = {"views": torch.rand(2, 3, side, side), "face_landmarks": side * torch.rand(2, 68, 2)}
    _write(quality, inputs, [(0,), (0,)], ["crop_scores"], path)


@torch.no_grad()
def _write(
    network: nn.Module, inputs: dict[str, Tensor], of_any_size: Sequence[Sequence[int]], outputs: list[str], path: Path
) -> None:
    """Write a network whose inputs have these dimensions of any size."""
    # It warns of operators of torchvision that nobody uses here, and of its own deprecated parts.
    with only_errors_of(logging.getLogger("torch.onnx")), warnings.catch_warnings(), _garbage_left():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network.eval(), tuple(inputs.values()), path,
            dynamo=True, dynamic_shapes=tuple(dict.fromkeys(each, ANY) for each in of_any_size),
            input_names=[*inputs], output_names=outputs, opset_version=OPSET, external_data=False, verbose=False,
        )  # fmt: skip


@contextmanager
def _garbage_left() -> Iterator[None]:
    """Look for no garbage, which would take a good part of the time: nearly all objects of a trace are kept."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()
