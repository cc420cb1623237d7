import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from fiqa.curation import placing
from fiqa.curation.placing import LOG, Placement
from fiqa.errors import SettingError
from tests.fiqa.curation.conftest import MakeCuration

VERDICTS = {"a.jpg": "keep", "b.jpg": "drop", "sub/c.png": "keep", "sub/d.png": "maybe", "bad.jpg": "unscored"}
CAPTIONS = {"a.txt": "a caption"}


def files(folder: Path) -> dict[str, bytes]:
    """Return the content of all files below a folder but the log."""
    found = (path for path in folder.rglob("*") if path.is_file() or path.is_symlink())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found if path.name != LOG}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture(params=["copy", "link", "symlink", "move"])
def placement(request: pytest.FixtureRequest, curation: MakeCuration, out: Path) -> Placement:
    return placing.plan(curation(VERDICTS, CAPTIONS), out, by=request.param)


WANTED = {"a.jpg": b"picture a.jpg", "a.txt": b"a caption", "sub/c.png": b"picture sub/c.png"}


def test_what_is_kept_lies_there_as_it_lay_here_with_its_caption(placement: Placement, out: Path) -> None:
    before = files(placement.folder)
    placing.begin(placement)
    assert placing.carry_out(placement).done == 3
    assert files(out) == WANTED
    moved = WANTED if placement.by == "move" else {}
    assert files(placement.folder) == {name: data for name, data in before.items() if name not in moved}
    is_link = {"symlink": out.joinpath("a.jpg").is_symlink(), "link": out.joinpath("a.jpg").stat().st_nlink == 2}
    assert is_link.get(placement.by, True)


def test_undo_leaves_both_folders_as_they_were(placement: Placement, out: Path) -> None:
    before = files(placement.folder)
    placing.begin(placement)
    placing.carry_out(placement)
    read = placing.read_placement(out)
    assert read is not None
    assert read.finished
    assert placing.undo(read).troubles == ()
    assert files(placement.folder) == before
    assert not out.exists()


class Crash(BaseException):
    """Stands for the end of the process."""


@pytest.mark.parametrize("calls", range(6))
@pytest.mark.parametrize("function", ["unlink", "replace", "mkdir"])
def test_a_run_that_ends_anywhere_is_taken_up_and_loses_nothing(
    placement: Placement, out: Path, monkeypatch: pytest.MonkeyPatch, function: str, calls: int
) -> None:
    before = files(placement.folder)
    placing.begin(placement)
    original, count = getattr(Path, function), iter(range(100))

    def crash(path: Path, *arguments: object, **options: object) -> object:
        if next(count) == calls:
            raise Crash
        return original(path, *arguments, **options)

    with monkeypatch.context() as patch, suppress(Crash):
        patch.setattr(Path, function, crash)
        placing.carry_out(placement)
    assert set(before.values()) <= {*files(placement.folder).values(), *files(out).values()}
    begun = placing.read_placement(out)
    assert begun is not None
    assert placing.carry_out(begun).troubles == ()
    assert {name: data for name, data in files(out).items() if not name.startswith(".")} == WANTED
    placing.undo(begun)
    assert files(placement.folder) == before


def test_a_move_that_was_killed_is_taken_up(curation: MakeCuration, out: Path) -> None:
    placement = placing.plan(curation(VERDICTS, CAPTIONS), out, by="move")
    placing.begin(placement)
    code = (
        "import os, signal, sys; from pathlib import Path; from fiqa.curation import placing\n"
        "unlink, count = Path.unlink, iter(range(9))\n"
        "def kill(path, **options):\n"
        "    if next(count) == 1: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    unlink(path, **options)\n"
        "Path.unlink = kill\n"
        "placing.carry_out(placing.read_placement(Path(sys.argv[1])))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(out)], cwd=Path(__file__).parents[3], check=False)
    assert done.returncode == -signal.SIGKILL
    assert (out / "a.txt").exists()
    assert (placement.folder / "a.txt").exists()  # killed between the new name and the end of the old one
    begun = placing.read_placement(out)
    assert begun is not None
    assert not begun.finished
    assert placing.carry_out(begun).done == 3
    assert files(out) == WANTED
    assert "a.txt" not in files(placement.folder)


def test_a_disk_without_hard_links_gets_copies_whose_originals_go_last(
    curation: MakeCuration, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    placement = placing.plan(curation(VERDICTS, CAPTIONS), out, by="move")
    placing.begin(placement)
    placing.carry_out(placement)
    assert files(out) == WANTED
    assert set(files(placement.folder)) == {"b.jpg", "sub/d.png", "bad.jpg"}
    linked = placing.plan(curation(VERDICTS), out.with_name("linked"), by="link")
    placing.begin(linked)
    with pytest.raises(SettingError, match="use --by copy or symlink"):
        placing.carry_out(linked)


def test_several_verdicts_have_a_folder_each(curation: MakeCuration, out: Path) -> None:
    placement = placing.plan(curation(VERDICTS, CAPTIONS), out, by="copy", verdicts=["keep", "maybe"])
    placing.begin(placement)
    placing.carry_out(placement)
    assert set(files(out)) == {"keep/a.jpg", "keep/a.txt", "keep/sub/c.png", "maybe/sub/d.png"}


def test_a_caption_that_another_photo_needs_is_copied_and_not_moved(curation: MakeCuration, out: Path) -> None:
    verdicts = {"a.jpg": "keep", "a.png": "drop", "b.jpg": "keep", "b.png": "maybe"}
    made = curation(verdicts, {"a.txt": "both", "b.txt": "two"})
    placement = placing.plan(made, out, by="move", verdicts=["keep", "maybe"])
    placing.begin(placement)
    placing.carry_out(placement)
    assert {"keep/a.txt", "keep/b.txt", "maybe/b.txt"} <= set(files(out))
    assert set(files(placement.folder)) == {"a.png", "a.txt"}
    placing.undo(placement)
    assert set(files(placement.folder)) == {*verdicts, "a.txt", "b.txt"}


def test_names_that_a_disk_may_take_for_equal_get_numbers(curation: MakeCuration, out: Path) -> None:
    made = curation({"a.jpg": "keep", "A.JPG": "keep", "u\u0308.jpg": "keep", "ü.jpg": "keep"}, {"A.txt": "large"})
    placement = placing.plan(made, out, by="copy")
    assert [step.target for step in placement.steps] == [
        "a.jpg", "A (2).JPG", "A (2).txt", "u\u0308.jpg", "ü (2).jpg",
    ]  # fmt: skip


def test_undo_keeps_copies_that_were_changed_and_originals_that_are_gone(curation: MakeCuration, out: Path) -> None:
    placement = placing.plan(curation(VERDICTS, CAPTIONS), out, by="copy")
    placing.begin(placement)
    placing.carry_out(placement)
    (out / "a.jpg").write_bytes(b"retouched")
    (placement.folder / "sub/c.png").unlink()
    outcome = placing.undo(placement)
    assert (outcome.done, len(outcome.troubles)) == (1, 2)
    assert set(files(out)) == {"a.jpg", "sub/c.png"}
    assert (out / LOG).exists()


def test_a_photo_that_is_gone_is_named_and_the_others_are_placed(curation: MakeCuration, out: Path) -> None:
    placement = placing.plan(curation(VERDICTS), out, by="copy")
    placing.begin(placement)
    (placement.folder / "a.jpg").unlink()
    outcome = placing.carry_out(placement)
    assert outcome.troubles == ("a.jpg is gone and was not placed.",)
    assert set(files(out)) == {"sub/c.png"}


def test_nothing_that_is_in_the_way_is_overwritten(placement: Placement, out: Path) -> None:
    placing.begin(placement)
    (out / "a.jpg").write_bytes(b"somebody else's")
    with pytest.raises(SettingError, match="another file is there"):
        placing.carry_out(placement)
    assert (out / "a.jpg").read_bytes() == b"somebody else's"
    assert (placement.folder / "a.jpg").read_bytes() == b"picture a.jpg"


def bad_outputs(tmp_path: Path, folder: Path) -> Iterator[tuple[Path, str]]:
    (tmp_path / "file").write_text("x")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("x")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "link").symlink_to(folder)
    yield folder, "within one another"
    yield folder / "new", "within one another"
    yield tmp_path / "link" / "new", "within one another"
    yield tmp_path, "within one another"
    yield tmp_path / "file", "is a file"
    yield tmp_path / "file" / "new", "cannot be written"
    yield tmp_path / "full", "holds files already"


def test_an_output_that_photos_cannot_be_placed_in_is_refused(curation: MakeCuration, tmp_path: Path) -> None:
    folder = curation(VERDICTS).folder
    for path, message in bad_outputs(tmp_path, folder):
        with pytest.raises(SettingError, match=message):
            placing.check_output(path, folder)


def test_an_output_that_may_not_be_written_is_refused(
    curation: MakeCuration, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
    with pytest.raises(SettingError, match="no folder that you may write to"):
        placing.check_output(out, curation(VERDICTS).folder)


def test_a_move_takes_nothing_out_of_other_folders(curation: MakeCuration, out: Path, tmp_path: Path) -> None:
    made = curation({"a.jpg": "keep"})
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "b.jpg").write_bytes(b"b")
    (made.folder / "sub").symlink_to(tmp_path / "elsewhere")
    linked = curation({"a.jpg": "keep", "sub/b.jpg": "keep"})
    with pytest.raises(SettingError, match="reached through a link"):
        placing.plan(linked, out, by="move")
    assert placing.plan(linked, out, by="copy").steps


@pytest.mark.parametrize(
    "change", [{"from": "../../etc/passwd"}, {"to": "/etc/cron.d/x"}, {"to": ""}, {"by": "delete"}, {"from": 3}]
)
def test_a_log_that_leads_elsewhere_is_refused(curation: MakeCuration, out: Path, change: dict[str, object]) -> None:
    placing.begin(placing.plan(curation({"a.jpg": "keep"}), out, by="move"))
    head, step = (json.loads(line) for line in (out / LOG).read_text().splitlines())
    (out / LOG).write_text(f"{json.dumps(head)}\n{json.dumps({**step, **change})}\n")
    with pytest.raises(SettingError, match="no log of a curation"):
        placing.read_placement(out)
