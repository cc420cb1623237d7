"""From a checkpoint to what computes with it: networks and predictors, verified and loaded strictly.

A network with holes would still give numbers. So every tensor that a score depends on must be there, in its shape and
finite; it is kept in single precision, whatever the file has.
"""

import json
import logging
import pickle
import shutil
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fiqa.checkpoints import (
    CARD,
    NETWORK,
    RELEASED,
    RELEASED_FILES,
    WEIGHTS,
    CheckpointSpec,
    file_sha256,
    find_checkpoint,
    find_released,
    released_folder,
)
from fiqa.errors import CheckpointError, SettingError
from fiqa.faces.finders import load_face_finder
from fiqa.fetching import fetch_from_authors, first_line
from fiqa.models import OFFICIAL, DslFiqa, DslFiqaConfig
from fiqa.models.dsl_fiqa import load_strictly, load_weights
from fiqa.models.official import convert, spare_tensors, unknown_names
from fiqa.predictor import QualityPredictor
from fiqa.settings import Settings

logger = logging.getLogger(__name__)

WRAPPERS = ("state_dict", "model_state_dict", "model")
"""Under these names training scripts save a state dict beside other things."""
NAMED = 5
"""Names that are listed before the rest is only counted."""


def load_predictor(checkpoint: str | Path = "lite", *, device: str = "auto", finder: str = "auto") -> QualityPredictor:
    """Build a predictor.

    Args:
        checkpoint: Name, folder, or owner/repository on the Hugging Face Hub (see `fiqa.checkpoints`).
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".
        finder: "auto" (the one that the checkpoint was made with), "bundled" or "face-alignment".

    Raises:
        CheckpointError: There is no such checkpoint, or its files are damaged or do not fit.
        SettingError: The device or the finder cannot be used.
    """
    spec = find_checkpoint(checkpoint)
    return QualityPredictor(
        load_network(spec), spec, load_face_finder(finder, made_with=spec.made_with), device=choose_device(device)
    )


def load_network(checkpoint: str | Path | CheckpointSpec = "lite") -> DslFiqa:
    """Build the network of a checkpoint on the CPU, in evaluation mode and single precision.

    Args:
        checkpoint: Name, folder, or owner/repository on the Hugging Face Hub, or what `find_checkpoint` returned.

    Raises:
        CheckpointError: The weights are not on this machine, damaged, or do not fit.
    """
    spec = checkpoint if isinstance(checkpoint, CheckpointSpec) else find_checkpoint(checkpoint)
    if spec.folder is None:
        raise CheckpointError(
            f"The weights of {spec.name!r} are not on this machine: run `fiqa checkpoints fetch {spec.name}`, "
            f"or put them at {spec.source.split(',')[0]}."
        )
    network = _load_released(spec.folder) if spec.released else _load_folder(spec.folder, spec.sha256)
    if network.config.crop_px > spec.preprocessing.view_px:
        raise CheckpointError(
            f"{spec.folder / CARD} has views of {spec.preprocessing.view_px} px, smaller than the network's crops of "
            f"{network.config.crop_px} px: set view_px to at least that."
        )
    return network.eval()


def choose_device(name: str) -> str:
    """Return the torch device for a name; "auto" takes the best there is. Raises SettingError if it is not there."""
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:
        raise SettingError(f"Device {name!r} cannot be used ({first_line(error)}): choose auto or cpu.") from error
    return name


def fetch_checkpoint(name: str, settings: Settings | None = None) -> Path:
    """Fetch one of the authors' checkpoints from their public folder into the data folder; return its folder.

    Raises CheckpointError when it cannot be fetched; nothing half fetched is left behind.
    """
    settings = settings or Settings.from_environment()
    if name not in RELEASED:
        raise CheckpointError(f"Only {', '.join(RELEASED)} can be fetched, not {name!r}.")
    if folder := find_released(RELEASED[name], settings).folder:
        return folder
    target = settings.data_dir / "ckpt" / released_folder(name)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".fetching-") as part:
        fetch_from_authors(released_folder(name), RELEASED_FILES, Path(part))
        _load_released(Path(part))
        shutil.move(part, target)
        Path(part).mkdir()  # the context removes it
    return target


def _load_folder(folder: Path, sha256: str | None) -> DslFiqa:
    for name in (WEIGHTS, NETWORK):
        if not (folder / name).is_file():
            raise CheckpointError(f"{folder} is no complete checkpoint: it has no {name}.")
    if sha256 and file_sha256(folder / WEIGHTS) != sha256:
        raise CheckpointError(f"{folder / WEIGHTS} is not the file its card describes: it was damaged or exchanged.")
    try:
        network = DslFiqa(DslFiqaConfig(**json.loads((folder / NETWORK).read_text(encoding="utf-8"))))
    except (ValueError, TypeError, KeyError, RuntimeError) as error:
        raise CheckpointError(f"{folder / NETWORK} describes no network that can be built: {error}.") from error
    load_weights(network, folder / WEIGHTS)
    return network


def _load_released(folder: Path) -> DslFiqa:
    """Load DE.pt and IQA.pt; what they hold besides the network's tensors is named in the log and left out."""
    (encoder, beside_encoder), (quality, beside_quality) = (_read_tensors(folder / name) for name in RELEASED_FILES)
    with torch.device("meta"):  # a gigabyte of random weights would be overwritten at once
        network = DslFiqa(OFFICIAL)
    known = network.state_dict()
    state = {**spare_tensors(OFFICIAL), **convert(encoder, quality)}
    if known.keys() <= state.keys():  # else a wrong name is part of what is wrong, and stays in the message
        state = {name: tensor for name, tensor in state.items() if name in known}
        if extra := [*beside_encoder, *beside_quality, *unknown_names({**encoder, **quality}, known)]:
            logger.warning("%s: left out what is no part of the network: %s.", folder, _listed(extra))
    load_strictly(network, state, f"{folder / 'DE.pt'} and IQA.pt")
    return network


def _read_tensors(path: Path) -> tuple[dict[str, Tensor], list[str]]:
    """Return the tensors of a file by name, and the names of what else is in it; runs nothing a file might carry."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of unusual pickles, which are refused anyway
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(f"{path} is refused: it holds more than tensors, or is no PyTorch file.") from error
    except (OSError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise CheckpointError(f"{path} is damaged or incomplete ({first_line(error)}): fetch it again.") from error
    tensors, others = _unwrapped(content)
    if not tensors and not (isinstance(content, dict) and not content):
        raise CheckpointError(f"{path} is no state dict: expected tensors by name.")
    return tensors, others


def _unwrapped(content: Any) -> tuple[dict[str, Tensor], list[str]]:
    """Return the tensors of a state dict, which may lie inside another dictionary, and the names of all else."""
    if not isinstance(content, dict):
        return {}, []
    others: list[str] = []
    for name in WRAPPERS:
        if isinstance(content.get(name), dict):
            others = [str(each) for each in content if each != name]
            content = content[name]
            break
    tensors = {str(name): value for name, value in content.items() if isinstance(value, Tensor)}
    return tensors, others + [str(name) for name in content if str(name) not in tensors]


def _listed(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
