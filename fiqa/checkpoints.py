"""Checkpoints: which there are, where they come from, and how one becomes a network or a predictor.

A checkpoint is known by a name:

* `lite` is bundled with this package;
* `gfiqa`, `cgfiqa` and `custom` are the authors' released weights. They carry no licence, so they are
  never redistributed here: put them under `ckpt/<GFIQA|CGFIQA|custom>/{DE,IQA}.pt` as the authors' README
  says, or let `fetch_checkpoint` get them from the authors' public folder;
* a folder's path, or the name of a folder in `<data folder>/checkpoints`, is a checkpoint of your own;
* `owner/repository` is one on the Hugging Face Hub.

A checkpoint folder holds `model.safetensors`, `config.json` (the network, see `DslFiqaConfig`) and
`checkpoint.json` (everything else in `CheckpointSpec`). Weights are verified and loaded strictly: a
network with holes would still give numbers. Nothing here imports torch before weights are loaded.
"""

import hashlib
import json
import logging
import re
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from fiqa.errors import CheckpointError, SettingError
from fiqa.settings import Settings

if TYPE_CHECKING:
    from torch import Tensor

    from fiqa.models import DslFiqa
    from fiqa.predictor import QualityPredictor

logger = logging.getLogger(__name__)

AUTHORS_FOLDER = "1SQ40NDDGQB4g-sk-uBcRcGnEKrUhQSDt"
"""Id of the authors' public Google Drive folder."""
HUB_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
LICENCE_UNKNOWN = "none given by the authors"
WEIGHTS, NETWORK, CARD = "model.safetensors", "config.json", "checkpoint.json"


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


@dataclass(frozen=True)
class CheckpointSpec:
    """Everything about a checkpoint but its weights.

    `note` says in one sentence what the score is and is not; `score_range` are the score's (low, high).
    `folder` holds the weights: None where they are not on this machine. `gflops` counts multiplications
    and additions for one photo with one face. `sha256` verifies the weights where it is known.
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

    @property
    def present(self) -> bool:
        """Whether the weights are on this machine."""
        return self.folder is not None

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
            gflops=4848.0,
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
    """
    settings = settings or Settings.from_environment()
    released = [_located(spec, settings) for spec in RELEASED.values()]
    return [read_spec(_bundled_folder(), name="lite"), *released, *_own_checkpoints(settings.data_dir / "checkpoints")]


def _own_checkpoints(root: Path) -> Iterator[CheckpointSpec]:
    for card in sorted(root.glob(f"[!.]*/{CARD}")):  # what is being written has a dot before its name
        try:
            yield read_spec(card.parent)
        except CheckpointError as error:
            logger.warning("%s", error)


def describe_checkpoints(settings: Settings | None = None) -> list[dict[str, Any]]:
    """Return the list as JSON-ready data."""
    return [spec.describe() for spec in list_checkpoints(settings)]


def find_checkpoint(name: str, settings: Settings | None = None) -> CheckpointSpec:
    """Return the spec of a name, folder or Hub repository (which is fetched).

    Raises CheckpointError when there is none.
    """
    known = {spec.name: spec for spec in list_checkpoints(settings)}
    if name in known:
        return known[name]
    if (folder := Path(name)).is_dir():
        return read_spec(folder.resolve())
    if HUB_REPOSITORY.fullmatch(name):
        return read_spec(_fetch_from_hub(name), name=name)
    raise CheckpointError(
        f"There is no checkpoint {name!r}: choose one of {', '.join(known)}, a checkpoint folder, "
        f"or owner/repository on the Hugging Face Hub."
    )


def load_predictor(checkpoint: str = "lite", *, device: str = "auto", finder: str = "auto") -> "QualityPredictor":
    """Build a predictor from a checkpoint's name (see the module).

    `device` is "auto", "cpu", "cuda", "cuda:N" or "mps"; `finder` is "auto", "bundled" or "face-alignment".
    Raises CheckpointError or SettingError.
    """
    spec = find_checkpoint(checkpoint)
    from fiqa.faces import load_face_finder
    from fiqa.predictor import QualityPredictor

    return QualityPredictor(load_network(spec), spec, load_face_finder(finder), device=choose_device(device))


def choose_device(name: str) -> str:
    """Return the torch device for a name; "auto" takes the best there is. Raises SettingError if it is not there."""
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0] if str(error) else "unknown reason"
        raise SettingError(f"Device {name!r} cannot be used ({reason}): choose auto or cpu.") from error
    return name


def load_network(spec: CheckpointSpec) -> "DslFiqa":
    """Build the network of a checkpoint on the CPU, in evaluation mode, with verified weights.

    Raises CheckpointError when the weights are not on this machine, damaged, or do not fit.
    """
    folder = _folder_of(spec)
    return (_load_released(folder) if spec.released else _load_folder(folder, spec.sha256)).eval()


def save_checkpoint(network: "DslFiqa", spec: CheckpointSpec, folder: Path) -> None:
    """Write a checkpoint folder that `find_checkpoint` accepts; the card gets the weights' hash."""
    network.save_pretrained(folder)
    (folder / WEIGHTS).chmod(0o644)  # safetensors makes it private to the user
    card = {item.name: getattr(spec, item.name) for item in fields(spec) if item.name not in ("folder", "released")}
    card |= {"preprocessing": asdict(spec.preprocessing), "sha256": _sha256(folder / WEIGHTS)}
    (folder / CARD).write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_spec(folder: Path, *, name: str | None = None) -> CheckpointSpec:
    """Read the card of a checkpoint folder; the folder's name is the checkpoint's unless `name` is given."""
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        preprocessing = {key: _tuple(value) for key, value in card.pop("preprocessing").items()}
        values = {key: _tuple(value) for key, value in card.items()} | {"name": name or folder.name, "folder": folder}
        return CheckpointSpec(**values, preprocessing=Preprocessing(**preprocessing))
    except FileNotFoundError as error:
        raise CheckpointError(f"{folder} is no checkpoint folder: it has no {CARD}.") from error
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise CheckpointError(f"{folder / CARD} is damaged or of another version: {error}.") from error


def fetch_checkpoint(name: str, settings: Settings | None = None) -> Path:
    """Fetch one of the authors' checkpoints from their public folder into the data folder; return its folder.

    Raises CheckpointError when it cannot be fetched; nothing half fetched is left behind.
    """
    settings = settings or Settings.from_environment()
    if name not in RELEASED:
        raise CheckpointError(f"Only {', '.join(RELEASED)} can be fetched, not {name!r}.")
    found = _located(RELEASED[name], settings)
    if found.folder is not None:
        return found.folder
    target = settings.data_dir / "ckpt" / _released_folder(name)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".fetching-") as part:
        for file in _authors_files(_released_folder(name)):
            _fetch_from_drive(file, Path(part))
        _load_released(Path(part))
        shutil.move(part, target)
        Path(part).mkdir()  # the context removes it
    return target


def _authors_files(folder: str) -> Iterator[Any]:
    """Yield the two files of one checkpoint in the authors' folder."""
    import gdown

    try:
        listing = gdown.download_folder(id=AUTHORS_FOLDER, skip_download=True, quiet=True)
    except Exception as error:  # gdown raises whatever its HTTP and HTML libraries raise
        raise CheckpointError(f"The authors' folder cannot be listed ({_reason(error)}): {_BY_HAND}") from error
    published: dict[tuple[str, ...], Any] = {Path(file.path).parts[-2:]: file for file in cast("list[Any]", listing)}
    for wanted in ("DE.pt", "IQA.pt"):
        if (folder, wanted) not in published:
            raise CheckpointError(f"The authors' folder has no {folder}/{wanted}: {_BY_HAND}")
        yield published[folder, wanted]


def _fetch_from_drive(file: Any, folder: Path) -> None:
    import gdown

    try:
        gdown.download(id=file.id, output=str(folder / Path(file.path).name), quiet=False)
    except Exception as error:  # as above
        raise CheckpointError(f"{file.path} cannot be fetched ({_reason(error)}): {_BY_HAND}") from error


_BY_HAND = "check the connection, or put DE.pt and IQA.pt under ckpt/ by hand."


def _reason(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _fetch_from_hub(repository: str) -> Path:
    """Return the local folder of a Hub repository's checkpoint, fetching it when it is not cached."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(repository, allow_patterns=[WEIGHTS, NETWORK, CARD]))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise CheckpointError(f"{repository} cannot be fetched from the Hugging Face Hub: {_reason(error)}.") from error


def _bundled_folder() -> Path:
    """Return the folder of `lite`, beside the package in a clone and inside it when installed."""
    package = Path(__file__).resolve().parent
    inside = package / "assets" / "checkpoints" / "lite"
    return inside if inside.is_dir() else package.parent / "assets" / "checkpoints" / "lite"


def _released_folder(name: str) -> str:
    return name if name == "custom" else name.upper()


def _located(spec: CheckpointSpec, settings: Settings) -> CheckpointSpec:
    """Return a released spec with the folder its two files were found in, if they were."""
    for root in (Path.cwd(), settings.data_dir):
        folder = root / "ckpt" / _released_folder(spec.name)
        if (folder / "DE.pt").is_file() and (folder / "IQA.pt").is_file():
            return _with(spec, folder=folder)
    return spec


def _with(spec: CheckpointSpec, **changes: Any) -> CheckpointSpec:
    return CheckpointSpec(**{item.name: getattr(spec, item.name) for item in fields(spec)} | changes)


def _folder_of(spec: CheckpointSpec) -> Path:
    if spec.folder is None:
        raise CheckpointError(
            f"The weights of {spec.name!r} are not on this machine: run `fiqa checkpoints fetch {spec.name}`, "
            f"or put them at {spec.source.split(',')[0]}."
        )
    return spec.folder


def _load_folder(folder: Path, sha256: str | None) -> "DslFiqa":
    from fiqa.models import DslFiqa, DslFiqaConfig
    from fiqa.models.dsl_fiqa import load_weights

    for name in (WEIGHTS, NETWORK):
        if not (folder / name).is_file():
            raise CheckpointError(f"{folder} is no complete checkpoint: it has no {name}.")
    if sha256 and _sha256(folder / WEIGHTS) != sha256:
        raise CheckpointError(f"{folder / WEIGHTS} is not the file its card describes: it was damaged or exchanged.")
    try:
        network = DslFiqa(DslFiqaConfig(**json.loads((folder / NETWORK).read_text(encoding="utf-8"))))
    except (ValueError, TypeError, KeyError, RuntimeError) as error:
        raise CheckpointError(f"{folder / NETWORK} describes no network that can be built: {error}.") from error
    load_weights(network, folder / WEIGHTS)
    return network


def _load_released(folder: Path) -> "DslFiqa":
    import torch

    from fiqa.models import OFFICIAL, DslFiqa
    from fiqa.models.dsl_fiqa import load_strictly
    from fiqa.models.official import convert

    state = convert(_read_state_dict(folder / "DE.pt"), _read_state_dict(folder / "IQA.pt"))
    with torch.device("meta"):  # a gigabyte of random weights would be overwritten at once
        network = DslFiqa(OFFICIAL)
    load_strictly(network, state, f"{folder / 'DE.pt'} and IQA.pt")
    return network


def _read_state_dict(path: Path) -> "dict[str, Tensor]":
    """Read a state dict without running anything a file might carry."""
    import pickle

    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of unusual pickles, which are refused anyway
            state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(f"{path} is refused: it holds more than tensors, or is no PyTorch file.") from error
    except (OSError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise CheckpointError(f"{path} is damaged or incomplete ({_reason(error)}): fetch it again.") from error
    if not isinstance(state, dict) or not all(isinstance(tensor, torch.Tensor) for tensor in state.values()):
        raise CheckpointError(f"{path} is no state dict: expected tensors by name.")
    return state


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
