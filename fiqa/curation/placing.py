"""Copies, links or moves photos into a new folder; an interrupted run is taken up, and a log undoes it.

The log (`fiqa-curation.jsonl` in the new folder) holds every step and is there, whole, before the first of them.
Whether a step was done is read from the disk: a step puts a file where none was, so a run that was killed anywhere is
finished by going through all steps again. Nothing that exists is ever overwritten, and an original goes only when what
took its place is on the disk. Paths in the log are relative to the two folders and may not lead out of them.
"""

import errno
import filecmp
import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from unicodedata import normalize

from fiqa.curation import TAKEN
from fiqa.curation.curation import Curation
from fiqa.curation.lists import CAPTION_SUFFIX, caption_of
from fiqa.curation.reports import of_verdicts
from fiqa.errors import SettingError
from fiqa.output import make_folder
from fiqa.photos.sources import is_passed_over
from fiqa.version import __version__

LOG = "fiqa-curation.jsonl"
PART = ".fiqa-curation.part"
Watch = Callable[[Sequence["Step"]], Iterable["Step"]]


@dataclass(frozen=True)
class Step:
    """One file to place: `source` is relative to the curated folder, `target` to the new one; `by` is how."""

    source: str
    target: str
    by: str


@dataclass(frozen=True)
class Placement:
    """All that is to be placed from `folder` into `out`, both absolute; `by` is what was asked for."""

    folder: Path
    out: Path
    by: str
    steps: tuple[Step, ...]
    finished: bool = False


@dataclass(frozen=True)
class Outcome:
    """What came of a placement: how many files were placed or put back, and sentences about those that were not."""

    done: int
    troubles: tuple[str, ...] = ()


def check_output(out: Path, folder: Path) -> None:
    """Refuse a folder that photos cannot be placed in, before any work is done; raises SettingError."""
    target, source = _resolved(out), _resolved(folder)
    if target == source or source in target.parents or target in source.parents:
        raise SettingError(f"{out} and {folder} lie within one another: name a folder elsewhere.")
    if target.exists() and not target.is_dir():
        raise SettingError(f"{out} is a file: name a new folder.")
    if target.is_dir() and not all(is_passed_over(each.name) for each in target.iterdir()):
        raise SettingError(f"{out} holds files already: name a new folder, or an empty one.")
    above = next(each for each in (target, *target.parents) if each.exists())
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        raise SettingError(f"{out} cannot be written: {above} is no folder that you may write to.")


def plan(curation: Curation, out: Path, *, by: str, verdicts: Sequence[str] = ("keep",)) -> Placement:
    """Return what has to be done to place the photos with some verdicts.

    Photos lie in the new folder as they lay in the old one; those of several verdicts in a folder for each. Captions
    go with their photos. Raises SettingError where a move would take photos out of other folders.
    """
    taken = of_verdicts(curation, verdicts)
    if unknown := set(verdicts) - set(TAKEN):
        raise SettingError(f"There is no verdict {', '.join(sorted(unknown))}: choose of {', '.join(TAKEN)}.")
    if by == "move":
        _check_movable(curation.folder, [photo.name for photo in taken])
    targets = _Targets()
    steps: list[Step] = []
    for photo in taken:
        home = PurePosixPath(photo.verdict if len(verdicts) > 1 else "")
        target = targets.new(home / photo.name)
        steps.append(Step(photo.name, target, by))
        if caption_of(curation.folder / photo.name):
            steps += targets.once(_caption(photo.name), _caption(target), by)
    left = {_caption(photo.name) for photo in curation.photos if photo.verdict not in verdicts}
    return Placement(curation.folder, _resolved(out), by, tuple(_sharing_captions(steps, left)))


def begin(placement: Placement) -> None:
    """Make the new folder and write the log; raises SettingError when that fails."""
    make_folder(placement.out)
    head = {"fiqa": __version__, "folder": str(placement.folder), "by": placement.by, "steps": len(placement.steps)}
    lines = [head, *({"from": step.source, "to": step.target, "by": step.by} for step in placement.steps)]
    try:
        with (placement.out / PART).open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for line in lines)
            file.flush()
            os.fsync(file.fileno())
        (placement.out / PART).replace(placement.out / LOG)
    except OSError as error:
        raise SettingError(f"{placement.out} cannot be written: {error.strerror}.") from error


def read_placement(out: Path) -> Placement | None:
    """Return the placement whose log is in a folder, None where there is none; raises SettingError for a bad log."""
    log = _resolved(out) / LOG
    if not log.is_file():
        return None
    try:
        head, *lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
        count = int(head["steps"])
        steps = tuple(_step_of(line) for line in lines[:count])
        folder, by = Path(head["folder"]), str(head["by"])
    except (OSError, KeyError, TypeError, ValueError):
        raise SettingError(f"{log} is no log of a curation: nothing was changed.") from None
    if len(steps) != count or by not in _PLACE or not folder.is_absolute():
        raise SettingError(f"{log} is no log of a curation: nothing was changed.")
    return Placement(folder, log.parent, by, steps, finished=len(lines) > count)


def carry_out(placement: Placement, *, watch: Watch = iter) -> Outcome:
    """Take all steps that were not taken yet; raises SettingError when the disk refuses, and can be called again."""
    troubles = []
    for step in watch(placement.steps):
        source, target = placement.folder / step.source, placement.out / step.target
        if not _exists(source):
            if not _exists(target):
                troubles.append(f"{step.source} is gone and was not placed.")
            continue
        with _refusals(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            _PLACE[step.by](source, target, placement.out / PART)
    with _refusals(placement.out), (placement.out / LOG).open("a", encoding="utf-8") as file:
        file.write(json.dumps({"finished": True}) + "\n")
    return Outcome(len(placement.steps) - len(troubles), tuple(troubles))


def undo(placement: Placement, *, watch: Watch = iter) -> Outcome:
    """Put everything back as it was; what was changed since is left, and named. Raises SettingError as `carry_out`."""
    troubles = []
    for step in watch(placement.steps[::-1]):
        source, target = placement.folder / step.source, placement.out / step.target
        with _refusals(source):
            if _exists(target) and not _take_back(step.by, source, target, placement.out / PART):
                troubles.append(f"{step.target} was left, since it or its original is not what it was.")
    if not troubles:
        (placement.out / LOG).unlink(missing_ok=True)
    _remove_empty_folders(placement.out)
    return Outcome(len(placement.steps) - len(troubles), tuple(troubles))


class _Targets:
    """Names in the new folder, each given once: letters that a disk may take for equal count as equal."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._sources: set[tuple[str, str]] = set()

    def new(self, wanted: PurePosixPath) -> str:
        """Return a name that was not given yet: the one that is wanted, or with a number before its suffix."""
        name, number = wanted, 2
        while (key := normalize("NFC", name.as_posix()).casefold()) in self._taken:
            name, number = wanted.with_name(f"{wanted.stem} ({number}){wanted.suffix}"), number + 1
        self._taken.add(key)
        return name.as_posix()

    def once(self, source: str, wanted: str, by: str) -> Iterator[Step]:
        """Yield the step that places a file, unless there is one already: photos may share a caption."""
        if (source, wanted) not in self._sources:
            self._sources.add((source, wanted))
            yield Step(source, self.new(PurePosixPath(wanted)), by)


def _caption(name: str) -> str:
    return PurePosixPath(name).with_suffix(CAPTION_SUFFIX).as_posix()


def _sharing_captions(steps: Sequence[Step], left: set[str]) -> Iterator[Step]:
    """Yield the steps; what is needed elsewhere, too, is copied instead of moved, but for the last who needs it."""
    waiting = Counter(step.source for step in steps)
    for step in steps:
        waiting[step.source] -= 1
        needed = waiting[step.source] > 0 or step.source in left
        yield Step(step.source, step.target, "copy") if step.by == "move" and needed else step


def _check_movable(folder: Path, names: Sequence[str]) -> None:
    for name in names:
        path = folder / name
        if path.is_symlink() or not path.parent.resolve().is_relative_to(folder):
            raise SettingError(f"{name} is reached through a link and lies in another folder: use --by copy.")


def _step_of(line: Mapping[str, Any]) -> Step:
    """Read one step of a log; raises ValueError or KeyError for one that leads out of its folder."""
    step = Step(line["from"], line["to"], line["by"])
    for path in (PurePosixPath(step.source), PurePosixPath(step.target)):
        if path.is_absolute() or ".." in path.parts or not path.parts:
            raise ValueError(path)
    if step.by not in _PLACE:
        raise ValueError(step.by)
    return step


def _copy(source: Path, target: Path, part: Path) -> None:
    if _exists(target):
        _check_same(source, target)
        return
    shutil.copy2(source, part)
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    part.replace(target)


def _link(source: Path, target: Path, _part: Path) -> None:
    if not _exists(target):
        os.link(source.resolve(), target)
    elif not target.samefile(source):
        raise FileExistsError(errno.EEXIST, "another file is there", str(target))


def _symlink(source: Path, target: Path, _part: Path) -> None:
    if not _exists(target):
        target.symlink_to(source.resolve())
    elif not target.is_symlink() or target.readlink() != source.resolve():
        raise FileExistsError(errno.EEXIST, "another file is there", str(target))


def _move(source: Path, target: Path, part: Path) -> None:
    """Move a file: by a second name for it where the disk has such, so that there is no moment without a name."""
    try:
        if not _exists(target):
            os.link(source, target)
    except OSError:  # another disk, or one without hard links
        _copy(source, target, part)
    if not target.samefile(source):
        _check_same(source, target)
    source.unlink()


_PLACE: dict[str, Callable[[Path, Path, Path], None]] = {
    "copy": _copy,
    "link": _link,
    "symlink": _symlink,
    "move": _move,
}


def _take_back(by: str, source: Path, target: Path, part: Path) -> bool:
    """Undo one step, whose target is there; return False where that would lose something."""
    if by == "move" and not _exists(source):
        source.parent.mkdir(parents=True, exist_ok=True)
        _move(target, source, part)
        return True
    if by == "symlink":
        is_ours = target.is_symlink() and target.readlink() == source.resolve()
    else:
        is_ours = source.is_file() and (target.samefile(source) or filecmp.cmp(source, target, shallow=False))
    if is_ours:
        target.unlink()
    return is_ours


def _check_same(source: Path, target: Path) -> None:
    if not filecmp.cmp(source, target, shallow=False):
        raise FileExistsError(errno.EEXIST, "another file is there", str(target))


def _exists(path: Path) -> bool:
    """Whether there is anything of that name, be it a link that leads nowhere."""
    return os.path.lexists(path)


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError):
        raise SettingError(f"{path} cannot be written: its links lead in a circle.") from None


def _remove_empty_folders(out: Path) -> None:
    """Remove the new folder and those in it, as far as they are empty."""
    with suppress(OSError):
        (out / PART).unlink(missing_ok=True)
    for folder, _, _ in os.walk(out, topdown=False):
        with suppress(OSError):  # not empty
            Path(folder).rmdir()


@contextmanager
def _refusals(path: Path) -> Iterator[None]:
    """Turn what the disk refuses into a sentence."""
    try:
        yield
    except OSError as error:
        named = error.filename2 or error.filename or path
        advice = "use --by copy or symlink" if error.errno == errno.EXDEV else "mend that and give the command again"
        raise SettingError(f"{named} cannot be placed ({error.strerror or error}): {advice}.") from error
