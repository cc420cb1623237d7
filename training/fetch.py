"""Fetch a data set of faces rated by people: `python -m training.fetch gfiqa`, or `cgfiqa`.

    --from hub      the Hub data set chaofengc/IQA-PyTorch-Datasets, one archive each
    --from drive    the Google Drive folder that the authors of DSL-FIQA name, with their splits and landmarks
    --from FOLDER   archives or folders that you have already

What the data may be used for is said first, and has to be accepted. Then: is there room, download (stopped, it goes on
where it was), checksums (written down when a file is first seen, and a file that has changed since is refused),
unpacking, and the layout of dataset/GFIQA or dataset/CGFIQA, which `make train-people` and `fiqa evaluate` read.
"""

import argparse
import hashlib
import json
import shutil
import sys
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tqdm import tqdm

from fiqa.fetching import first_line
from training.data.archives import gigabytes, is_archive, require_space, unpack
from training.data.arrangement import Arranged, arrange, count_labels
from training.errors import DataError, RunError, TrainingError
from training.fit.script import run_script
from training.storage import lock_folder, replace_text

HUB = "chaofengc/IQA-PyTorch-Datasets"
CHECKSUMS, ABOUT = "checksums.json", "fetched.json"
BLOCK = 2**20
REASON_LETTERS = 100
"""Of what a library says went wrong: some say it in five lines."""


@dataclass(frozen=True)
class Published:
    """A data set: where it is, about how large (bytes), what one may do with it, what was published.

    `best` are SRCC and PLCC of the paper (Chen et al., CVPR 2024) on its official split.
    """

    name: str
    title: str
    archive: str
    drive_folder: str
    size: int
    terms: str
    best: tuple[float, float]

    @property
    def folder(self) -> Path:
        """Where it is kept unless `--output` says otherwise: as the released code has it."""
        return Path("dataset") / self.name.upper()


DATASETS = {
    each.name: each
    for each in (
        Published(
            "gfiqa",
            "GFIQA-20k (Su et al., 2023), 20,000 faces",
            "gfiqa-20k.tgz",
            "1zdEL-DK0U4Xa0_ZF6S7rIHgyYxfA9BsM",
            7_700_000_000,
            "Made for research at the University of Konstanz; no licence is stated with the files. Photos of people: "
            "do not hand them on. A checkpoint trained on them inherits what its authors allow.",
            (0.9740, 0.9745),
        ),
        Published(
            "cgfiqa",
            "CGFIQA-40k (Chen et al., 2024), 39,312 faces",
            "CGFIQA.zip",
            "1Fw8Yeoqrgqz3YlALWecpqP8vKZYuHPJl",
            20_000_000_000,
            "No licence is stated; ask its authors before any use but research. Photos of people: do not hand them on. "
            "A checkpoint trained on them inherits what its authors allow.",
            (0.9880, 0.9873),
        ),
    )
}
"""By the names of the command line. Sizes are estimates, for sources that do not say theirs."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Fetch, check, unpack and arrange a data set."""
    options = _parser().parse_args(arguments)
    dataset = DATASETS[options.dataset]
    target: Path = options.output or dataset.folder
    if counts := count_labels(target):
        print(f"{target} is there already: {_in_words(counts)}.")
        return
    print(f"{dataset.title}\n{dataset.terms}", flush=True)
    _require_consent(accepted=options.accept_licence)
    target.parent.mkdir(parents=True, exist_ok=True)
    work = target.parent / f".{target.name}.fetch"
    work.mkdir(exist_ok=True)
    with _alone_in(work, target):
        files = _get(options.source, dataset, work)
        for file in files:
            check_sum(file, target.parent / CHECKSUMS, dataset.name)
        arranged = _lay_out(files, work / "unpacked", target)
    about = {"dataset": dataset.name, "source": options.source, "official_split": arranged.is_official}
    replace_text(target / ABOUT, json.dumps({**about, **arranged.counts}, indent=1) + "\n")
    shutil.rmtree(work, ignore_errors=True)
    print(f"{target}: {_in_words(arranged.counts)}.")
    if not arranged.is_official:
        print("It came without the official split, so it was divided by name: published figures are of another split.")
    print(f"to train on it: make train-people DATA={dataset.name}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training.fetch", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dataset", choices=DATASETS, help="which data set")
    parser.add_argument("--from", dest="source", default="hub", metavar="hub|drive|FOLDER", help="where from [hub]")
    parser.add_argument("--output", type=Path, help="folder to put it in [dataset/GFIQA or dataset/CGFIQA]")
    parser.add_argument("--accept-licence", action="store_true", help="do not ask whether the terms are accepted")
    return parser


def _alone_in(work: Path, target: Path) -> IO[str]:
    """Keep other processes out of the folder that is worked in; raise RunError when one is there."""
    try:
        return lock_folder(work)
    except RunError as error:
        raise RunError(f"Another process is fetching into {target}: wait for it, or name another --output.") from error


def _require_consent(*, accepted: bool) -> None:
    if accepted:
        return
    if not sys.stdin.isatty():
        raise DataError("The terms above have to be accepted: run it again with --accept-licence.")
    if input("Fetch it on these terms? [y/N] ").strip().lower() not in ("y", "yes"):
        raise DataError("Nothing was fetched.")


def _get(source: str, dataset: Published, work: Path) -> list[Path]:
    """Return the files that a data set comes in, fetched into `work` where they are elsewhere."""
    getters: dict[str, Callable[[Published, Path], list[Path]]] = {"hub": _from_hub, "drive": _from_drive}
    if source not in getters:
        return _from_folder(Path(source), dataset)
    download = work / "download"
    download.mkdir(exist_ok=True)
    return getters[source](dataset, download)


def _require_room(size: int, download: Path) -> None:
    """Say how much there is to fetch and raise StorageError where it does not fit, unpacked too."""
    done = sum(path.stat().st_size for path in download.rglob("*") if path.is_file())
    print(f"{gigabytes(size)} to fetch, and as much again to unpack", flush=True)
    require_space(download, max(0, 2 * size - done))


def _from_hub(dataset: Published, download: Path) -> list[Path]:
    """Fetch the archive and compare it with the SHA-256 that the Hub states; a part that is there is gone on with."""
    import huggingface_hub

    try:
        found = _listed_on_hub(dataset)
        _require_room(found.size, download)
        archive = Path(huggingface_hub.hf_hub_download(HUB, found.path, repo_type="dataset", local_dir=download))
    except TrainingError:
        raise
    except Exception as error:  # which errors of which HTTP library come out differs by version
        raise DataError(_unreachable(f"{dataset.archive} of {HUB}", error)) from error
    if found.lfs and found.lfs.sha256 != _sha256(archive):
        archive.unlink()
        raise DataError(f"{archive.name} did not arrive as it was sent, and was deleted: fetch it again.")
    return [archive]


def _listed_on_hub(dataset: Published) -> Any:
    """Return what the Hub states of the archive: path, size, SHA-256."""
    import huggingface_hub

    listed = huggingface_hub.HfApi().get_paths_info(HUB, [dataset.archive], repo_type="dataset")
    found = next((each for each in listed if isinstance(each, huggingface_hub.RepoFile)), None)
    if found is None:
        raise DataError(f"{HUB} has no {dataset.archive} any more: take --from drive.")
    return found


def _from_drive(dataset: Published, download: Path) -> list[Path]:
    """Fetch what lies in the authors' folder; what is there whole is not fetched again."""
    import gdown

    try:
        listed: list[Any] = gdown.download_folder(id=dataset.drive_folder, skip_download=True, quiet=True) or []
        files = [(file.id, _inside(download, file.path)) for file in listed]
        _require_room(dataset.size, download)
        for identifier, path in tqdm(files, desc="fetching", unit="file", disable=None):
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                gdown.download(id=identifier, output=str(path), quiet=False, resume=True)
    except TrainingError:
        raise
    except Exception as error:  # gdown raises whatever its HTTP and HTML libraries raise
        raise DataError(_unreachable("the authors' folder", error)) from error
    if not files:
        raise DataError("The authors' folder lists no files: fetch it in a browser, then name it with --from FOLDER.")
    return [path for _, path in files]


def _inside(folder: Path, name: str) -> Path:
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise DataError(f"The authors' folder lists {name!r}, which would lie outside {folder}: nothing was fetched.")
    return path


def _unreachable(what: str, error: Exception) -> str:
    reason = textwrap.shorten(first_line(error).rstrip("."), REASON_LETTERS, placeholder=" …")
    return (
        f"{what} cannot be fetched ({reason}): check the connection, or fetch it in a browser and name its folder with "
        "--from FOLDER."
    )


def _from_folder(folder: Path, dataset: Published) -> list[Path]:
    if not folder.is_dir():
        raise DataError(f"--from {folder} is none of hub, drive and a folder that exists.")
    if folder.joinpath(dataset.archive).is_file():
        return [folder / dataset.archive]
    found = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    if not found:
        raise DataError(f"{folder} is empty: put {dataset.archive} into it.")
    return [path for path in found if is_archive(path)] or [folder]


def check_sum(file: Path, record: Path, dataset: str) -> None:
    """Compare an archive with the SHA-256 that was written down when it was first seen, or write it down now.

    Raises DataError when it has changed since.
    """
    if not is_archive(file):
        return
    known: dict[str, str] = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
    key, seen = f"{dataset}/{file.name}", _sha256(file)
    if known.setdefault(key, seen) != seen:
        raise DataError(
            f"{file} is not the file that was seen before: its SHA-256 is {seen[:12]}… and not {known[key][:12]}…. "
            f"Delete it and fetch it again; if it was meant to change, delete its line in {record}."
        )
    replace_text(record, json.dumps(known, indent=1, sort_keys=True) + "\n")


def _sha256(file: Path) -> str:
    digest, size = hashlib.sha256(), file.stat().st_size
    bar = tqdm(total=size, desc=f"checking {file.name}", unit="B", unit_scale=True, leave=False, disable=None)
    with file.open("rb") as content, bar:
        while block := content.read(BLOCK):
            digest.update(block)
            bar.update(len(block))
    return digest.hexdigest()


def _lay_out(files: Sequence[Path], unpacked: Path, target: Path) -> Arranged:
    """Unpack archives, copy what comes unpacked, and arrange it all in the folder that training reads."""
    unpacked.mkdir(exist_ok=True)
    for file in files:
        if file.is_dir():
            _copy(file, unpacked)
        elif is_archive(file):
            unpack(file, unpacked / _home(file))
        else:
            shutil.copy2(file, unpacked / file.name)
    return arrange(unpacked, target)


def _home(archive: Path) -> str:
    """Return the folder that an archive of one split alone is unpacked into, its split; otherwise nothing."""
    stem = archive.name.partition(".")[0].lower()
    return stem if stem in ("train", "val", "test") else ""


def _copy(folder: Path, target: Path) -> None:
    """Copy a folder of the user's, which stays as it is; raise StorageError where there is no room."""
    require_space(target, sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()))
    shutil.copytree(folder, target, dirs_exist_ok=True)


def _in_words(counts: dict[str, int] | Any) -> str:
    return ", ".join(f"{count:,} to {_USES[split]}" for split, count in counts.items())


_USES = {"train": "train on", "val": "validate on", "test": "test on"}


if __name__ == "__main__":
    run_script(main)
