"""Checkpoints: which there are, where they come from, and how one is saved; `fiqa.loading` builds what computes.

A checkpoint is known by a name:

* `lite` is bundled with this package;
* `gfiqa`, `cgfiqa` and `custom` are the authors' released weights. They carry no licence, so they are
  never redistributed here: put them under `ckpt/<GFIQA|CGFIQA|custom>/{DE,IQA}.pt` as the authors' README
  says, or let `fiqa.loading.fetch_checkpoint` get them from the authors' public folder;
* a folder's path, or the name of a folder in `<data folder>/checkpoints`, is a checkpoint of your own;
* `owner/repository` is one on the Hugging Face Hub.

A checkpoint folder holds `model.safetensors`, `config.json` (the network, see `DslFiqaConfig`) and
`checkpoint.json` (everything else in `CheckpointSpec`). A repository of the Hub holds the same files. Nothing here
imports torch before weights are saved.
"""

import hashlib
import json
import logging
import math
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fiqa.bundled import CHECKPOINT, bundled
from fiqa.errors import CheckpointError
from fiqa.fetching import fetch_from_hub
from fiqa.settings import Settings

if TYPE_CHECKING:
    from torch import Tensor

    from fiqa.models import DslFiqa

logger = logging.getLogger(__name__)

HUB_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
LICENCE_UNKNOWN = "none given by the authors"
WEIGHTS, NETWORK, CARD = "model.safetensors", "config.json", "checkpoint.json"
RELEASED_FILES = ("DE.pt", "IQA.pt")


def _are_numbers(values: object, count: int) -> bool:
    if not isinstance(values, list | tuple) or len(values) != count:
        return False
    return all(isinstance(each, int | float) and math.isfinite(each) for each in values)


@dataclass(frozen=True)
class Preprocessing:
    """How a face becomes crops: a square view of `view_px`, `margin` times the landmarks' box, cut into `crops`.

    Crops are scaled to 0..1, then `mean` is subtracted and the rest divided by `std`, per RGB channel.
    """

    view_px: int
    margin: float
    crops: int
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)

    def __post_init__(self) -> None:
        for name in ("view_px", "crops"):
            if not isinstance(number := getattr(self, name), int) or number < 1:
                raise ValueError(f"{name} is {number!r}, expected a whole number from 1")
        if not (_are_numbers([self.margin], 1) and self.margin > 0):
            raise ValueError(f"margin is {self.margin!r}, expected a number above 0")
        if not (_are_numbers(self.mean, 3) and _are_numbers(self.std, 3) and min(self.std) > 0):
            raise ValueError(f"mean is {self.mean!r} and std {self.std!r}, expected three numbers each, std above 0")


@dataclass(frozen=True)
class CheckpointSpec:
    """Everything about a checkpoint but its weights.

    `note` says in one sentence what the score is and is not; `score_range` are the score's (low, high).
    `folder` holds the weights: None where they are not on this machine. `gflops` counts the operations
    for one photo with one face in billions, a multiply-add once. `sha256` verifies the weights where it is known.
    """

    name: str
    title: str
    licence: str
    note: str
    source: str
    preprocessing: Preprocessing
    score_range: tuple[float, float] = (0.0, 1.0)
    parameters: int | None = None
    gflops: float | None = None
    sha256: str | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    folder: Path | None = None
    released: bool = False

    def __post_init__(self) -> None:
        if not (_are_numbers(self.score_range, 2) and self.score_range[0] < self.score_range[1]):
            raise ValueError(f"score_range is {self.score_range!r}, expected two numbers, the lower one first")

    @property
    def present(self) -> bool:
        """Whether the weights are on this machine."""
        return self.folder is not None

    @property
    def made_with(self) -> str:
        """The face finder whose landmarks the network learnt from."""
        return "face-alignment" if self.released else "bundled"

    def in_range(self, output: "Tensor") -> "Tensor":
        """Return a network's output as a score: networks learn 0..1, scores are on the scale of the labels."""
        low, high = self.score_range
        return output if (low, high) == (0.0, 1.0) else low + (high - low) * output

    def describe(self) -> dict[str, Any]:
        """Return JSON-ready data for lists."""
        shown = ("name", "title", "present", "licence", "source", "parameters", "gflops", "score_range", "note")
        return {key: getattr(self, key) for key in shown}


RELEASED_PREPROCESSING = Preprocessing(view_px=512, margin=3.0, crops=20)
"""The authors grow the detector's box by its own size on each side, and average 20 crops of 384 of 512 px."""

RELEASED = {
    spec.name: spec
    for spec in (
        CheckpointSpec(
            name=name,
            title=title,
            licence=LICENCE_UNKNOWN,
            note=note,
            source=f"ckpt/{folder}/DE.pt and IQA.pt, by the authors of DSL-FIQA",
            preprocessing=RELEASED_PREPROCESSING,
            parameters=230_973_244,
            gflops=2424.0,
            released=True,
        )
        for name, folder, title, note in (
            (
                "gfiqa",
                "GFIQA",
                "DSL-FIQA, GFIQA-20k",
                "Predicts the mean opinion of raters of GFIQA-20k, scaled to 0..1; not bounded at 1.",
            ),
            (
                "cgfiqa",
                "CGFIQA",
                "DSL-FIQA, CGFIQA-40k",
                "Predicts the mean opinion of raters of CGFIQA-40k, scaled to 0..1; not bounded at 1.",
            ),
            (
                "custom",
                "custom",
                "DSL-FIQA, for custom photos",
                "The authors' weights for photos of one's own; which labels they were trained on is not documented.",
            ),
        )
    )
}


def list_checkpoints(settings: Settings | None = None) -> list[CheckpointSpec]:
    """Return the checkpoints known by name: bundled, the authors', and those in the data folder.

    A folder whose card cannot be read is left out with a line in the log, so that it does not hide the others.

    Args:
        settings: Where the data folder is; what the environment says, unless given.

    Returns:
        What is known of each; `present` says whether its weights are on this machine.
    """
    settings = settings or Settings.from_environment()
    released = [find_released(spec, settings) for spec in RELEASED.values()]
    return [
        read_spec(bundled(CHECKPOINT), name="lite"),
        *released,
        *_own_checkpoints(settings.data_dir / "checkpoints"),
    ]


def _own_checkpoints(root: Path) -> Iterator[CheckpointSpec]:
    for card in sorted(root.glob(f"[!.]*/{CARD}")):  # what is being written has a dot before its name
        try:
            yield read_spec(card.parent)
        except CheckpointError as error:
            logger.warning("%s", error)


def describe_checkpoints(settings: Settings | None = None) -> list[dict[str, Any]]:
    """Return the list as JSON-ready data."""
    return [spec.describe() for spec in list_checkpoints(settings)]


def find_checkpoint(name: str | Path, settings: Settings | None = None) -> CheckpointSpec:
    """Return what is known of a checkpoint.

    Args:
        name: A name, a folder, or owner/repository on the Hugging Face Hub, which is fetched; a Path is a folder.
        settings: Where the data folder is; what the environment says, unless given.

    Raises:
        CheckpointError: There is none.
    """
    if isinstance(name, Path):
        return read_spec(name.expanduser().resolve())
    known = {spec.name: spec for spec in list_checkpoints(settings)}
    if name in known:
        return known[name]
    if name and (folder := Path(name).expanduser()).is_dir():
        return read_spec(folder.resolve())
    if HUB_REPOSITORY.fullmatch(name):
        return read_spec(fetch_from_hub(name, (WEIGHTS, NETWORK, CARD)), name=name)
    raise CheckpointError(
        f"There is no checkpoint {name!r}: choose one of {', '.join(known)}, a checkpoint folder, "
        f"or owner/repository on the Hugging Face Hub."
    )


def save_checkpoint(network: "DslFiqa", spec: CheckpointSpec, folder: str | Path) -> Path:
    """Write a checkpoint folder, which `find_checkpoint` accepts and the Hub takes as it is.

    Args:
        network: The network whose weights are written.
        spec: What its card says; the card gets the weights' hash.
        folder: Where to; it is made where it is missing.

    Returns:
        The folder's path.

    Raises:
        CheckpointError: The network could not be loaded again, in which case nothing is written, or the folder cannot
            be written.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    from fiqa.models.dsl_fiqa import check_weights

    state = {name: tensor.detach().contiguous() for name, tensor in network.state_dict().items()}
    check_weights(network.config, state, "The network")
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        save_file(state, folder / WEIGHTS, metadata={"format": "pt"})
        (folder / WEIGHTS).chmod(0o644)  # safetensors makes it private to the user
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{folder} cannot be written: {error}; name a folder that can.") from error
    _write_json(folder / NETWORK, asdict(network.config))
    write_card(replace(spec, sha256=file_sha256(folder / WEIGHTS)), folder)
    return folder


def write_card(spec: CheckpointSpec, folder: Path) -> None:
    """Write the card of a checkpoint into a folder, from which `read_spec` reads it."""
    card = {item.name: getattr(spec, item.name) for item in fields(spec) if item.name not in ("folder", "released")}
    _write_json(folder / CARD, {**card, "preprocessing": asdict(spec.preprocessing)})


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_spec(folder: Path, *, name: str | None = None) -> CheckpointSpec:
    """Read the card of a checkpoint folder; the folder's name is the checkpoint's unless `name` is given."""
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        preprocessing = {key: _tuple(value) for key, value in card.pop("preprocessing").items()}
        values = {key: _tuple(value) for key, value in card.items()} | {"name": name or folder.name, "folder": folder}
        return CheckpointSpec(**values, preprocessing=Preprocessing(**preprocessing))
    except FileNotFoundError as error:
        raise CheckpointError(
            f"{folder} is no checkpoint folder: it has no {CARD}, which says how faces are cut and on what scale "
            f"scores are. Save checkpoints with fiqa.save_checkpoint or predictor.save."
        ) from error
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise CheckpointError(f"{folder / CARD} is damaged or of another version: {error}.") from error


def released_folder(name: str) -> str:
    """Return what the authors call the folder of a checkpoint."""
    return name if name == "custom" else name.upper()


def find_released(spec: CheckpointSpec, settings: Settings) -> CheckpointSpec:
    """Return a released spec with the folder its two files were found in, if they were."""
    for root in (Path.cwd(), settings.data_dir):
        folder = root / "ckpt" / released_folder(spec.name)
        if all((folder / name).is_file() for name in RELEASED_FILES):
            return replace(spec, folder=folder)
    return spec


def file_sha256(path: Path) -> str:
    """Return the hash of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


_FORMERLY_HERE = {
    "choose_device": "fiqa.loading",
    "fetch_checkpoint": "fiqa.loading",
    "load_network": "fiqa.loading",
    "load_predictor": "fiqa.loading",
}


def __getattr__(name: str) -> Any:
    """Find what used to be here, so that `from fiqa.checkpoints import load_predictor` stays valid."""
    if name not in _FORMERLY_HERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_FORMERLY_HERE[name]), name)
