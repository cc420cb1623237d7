"""Stimuli from folders, zips, tables and the Hub; what is wrong with one of them is said before anything is read."""

import os
import stat
import sys
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from PIL import Image

from annotate.design.items import ItemKind
from annotate.errors import StimulusError
from annotate.stimuli import sources
from annotate.stimuli.files import Candidate
from annotate.stimuli.sources import Upload, UploadedFile, from_hub, open_files, open_upload


def picture(level: int = 0) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (32, 32), (level, level, level)).save(buffer, "PNG")
    return buffer.getvalue()


def pack(path: Path, entries: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def lay_out(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def listed(path: Path) -> list[Candidate]:
    return opened(path).candidates


def opened(path: Path) -> Upload:
    with open_upload(path, path.parent) as upload:
        for candidate in upload.candidates:
            assert candidate.read()
        return upload


FILES = {
    "b.png": picture(2), "deep/a.PNG": picture(1), ".hidden/c.png": picture(3), "__MACOSX/._b.png": b"junk",
    "notes.txt": b"no picture", "@eaDir/b.png/SYNOPHOTO_THUMB_M.png": b"junk", "deep/.thumbnails/x.png": b"junk",
    "._b.png": b"junk", "Thumbs.db": b"junk",
}  # fmt: skip


@pytest.mark.parametrize("lay", [lambda at: lay_out(at / "x", FILES), lambda at: pack(at / "x.zip", FILES)])
def test_pictures_of_a_folder_or_zip_are_found_in_order(tmp_path: Path, lay: Callable[[Path], Path]) -> None:
    assert [candidate.name for candidate in listed(lay(tmp_path))] == ["b.png", "deep/a.PNG"]


MANIFEST = b"path,kind,expected,source,feedback\nb.png,gold,2,anna,\ndeep/a.PNG,training,,,Look at the eyes.\n"


@pytest.mark.parametrize("manifest", [MANIFEST, b"\xef\xbb\xbf" + MANIFEST.replace(b",", b";").replace(b"\n", b"\r\n")])
@pytest.mark.parametrize("packed", [False, True])
def test_table_in_a_folder_or_zip_describes_its_pictures(tmp_path: Path, manifest: bytes, packed: bool) -> None:
    files = {**FILES, "stimuli.csv": manifest}
    gold, training = listed(pack(tmp_path / "x.zip", files) if packed else lay_out(tmp_path / "x", files))
    assert (gold.name, gold.kind, gold.expected, gold.source) == ("b.png", ItemKind.GOLD, 2.0, "anna")
    assert (training.kind, training.expected, training.source) == (ItemKind.TRAINING, None, None)
    assert training.feedback == "Look at the eyes."


def test_table_may_have_any_name_when_it_is_given_itself(tmp_path: Path) -> None:
    lay_out(tmp_path, {"faces/b.png": picture(), "list.csv": b"path\nfaces/b.png\n"})
    assert [candidate.name for candidate in listed(tmp_path / "list.csv")] == ["faces/b.png"]


LAYS: dict[str, Callable[[Path, Mapping[str, bytes]], Path]] = {
    "folder": lambda at, files: lay_out(at / "x", files),
    "zip": lambda at, files: pack(at / "x.zip", files),
}
GOLD = b"path,kind,expected\na.png,gold,5\nb.png,rated,\n"


@pytest.mark.parametrize("lay", LAYS.values(), ids=LAYS)
@pytest.mark.parametrize("table", ["stimuli.csv", "Stimuli.CSV", "faces/stimuli.csv", "faces/Stimuli.csv"])
def test_table_at_the_top_or_in_the_single_folder_is_used_in_any_letter_case(
    tmp_path: Path, lay: Callable[[Path, Mapping[str, bytes]], Path], table: str
) -> None:
    at = table.rpartition("/")[0]
    files = {str(Path(at, name)): picture(level) for level, name in enumerate(("a.png", "b.png"))}
    upload = opened(lay(tmp_path, {**files, "__MACOSX/faces/._a.png": b"junk", ".DS_Store": b"junk", table: GOLD}))
    assert [(each.name, each.kind) for each in upload.candidates] == [
        ("a.png", ItemKind.GOLD), ("b.png", ItemKind.RATED),
    ]  # fmt: skip
    assert upload.notices == ()


@pytest.mark.parametrize("lay", LAYS.values(), ids=LAYS)
def test_what_is_passed_over_is_told(tmp_path: Path, lay: Callable[[Path, Mapping[str, bytes]], Path]) -> None:
    files = {
        "a/1.png": picture(1), "b/2.jfif": picture(2), "b/stimuli.csv": b"path\n2.jfif\n", "b/3.heic": b"x",
        "b/4.HEIC": b"x", "notes": b"x",
    }  # fmt: skip
    upload = opened(lay(tmp_path, files))
    assert [each.name for each in upload.candidates] == ["a/1.png", "b/2.jfif"]
    assert upload.notices == (
        "b/stimuli.csv is passed over: not all pictures are beside or below it.",
        "3 files are passed over, being no pictures that browsers show: 2 .heic, 1 without suffix.",
    )


@pytest.mark.parametrize("lay", LAYS.values(), ids=LAYS)
@pytest.mark.parametrize("name", ["labels.csv", "stimuli.csv.xlsx", "deep/Stimuli.TSV"])
def test_a_table_of_another_name_is_told_with_the_name_that_it_needs(
    tmp_path: Path, lay: Callable[[Path, Mapping[str, bytes]], Path], name: str
) -> None:
    upload = opened(lay(tmp_path, {"a.png": picture(), name: GOLD}))
    assert upload.notices == (f"The table {name} is passed over: to be used, it has to be called stimuli.csv.",)


@pytest.mark.parametrize("lay", LAYS.values(), ids=LAYS)
def test_of_two_tables_the_one_that_is_used_is_named(
    tmp_path: Path, lay: Callable[[Path, Mapping[str, bytes]], Path]
) -> None:
    files = {"a.png": picture(1), "b.png": picture(2), "stimuli.csv": GOLD, "old/stimuli.csv": b"path\n"}
    assert opened(lay(tmp_path, files)).notices == ("old/stimuli.csv is passed over: stimuli.csv is the table.",)


def test_two_files_whose_names_differ_by_their_encoding_alone_are_refused(tmp_path: Path) -> None:
    names = [unicodedata.normalize(form, "Zoë.png") for form in ("NFC", "NFD")]
    lay_out(tmp_path / "x", {name: picture(level) for level, name in enumerate(names)})
    with pytest.raises(StimulusError, match=r"Zoë\.png is there twice"):
        opened(tmp_path / "x")


def test_a_pipe_is_no_upload(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StimulusError, match="pipe is no file; name a folder"):
        opened(tmp_path / "pipe")


MAC, ELSEWHERE = unicodedata.normalize("NFD", "Müller.png"), unicodedata.normalize("NFC", "Müller.png")


@pytest.mark.parametrize("lay", LAYS.values(), ids=LAYS)
@pytest.mark.parametrize(("file", "named"), [(MAC, ELSEWHERE), (ELSEWHERE, MAC), (MAC, MAC)])
def test_names_are_found_as_a_mac_or_anybody_else_writes_them(
    tmp_path: Path, lay: Callable[[Path, Mapping[str, bytes]], Path], file: str, named: str
) -> None:
    files = {f"{folder}/{file}": picture(level) for level, folder in enumerate(("one", "two"))}
    table = f"path\none/{named}\ntwo\\{named}\n".encode()
    upload = opened(lay(tmp_path, {**files, "stimuli.csv": table}))
    assert [each.name for each in upload.candidates] == [f"one/{ELSEWHERE}", f"two/{ELSEWHERE}"]
    (tmp_path / "bare").mkdir()
    assert [each.name for each in opened(lay(tmp_path / "bare", files)).candidates] == [
        f"one/{ELSEWHERE}", f"two/{ELSEWHERE}",
    ]  # fmt: skip


def test_table_of_its_own_finds_names_of_another_system(tmp_path: Path) -> None:
    lay_out(tmp_path, {f"one/{MAC}": picture(), "list.csv": f"path\none\\{ELSEWHERE}\n".encode()})
    assert [each.name for each in listed(tmp_path / "list.csv")] == [f"one/{ELSEWHERE}"]


@pytest.mark.skipif(os.name == "nt", reason="no name has a backslash there")
def test_backslash_of_a_file_that_is_called_so_is_no_separator(tmp_path: Path) -> None:
    lay_out(tmp_path, {"a\\b.png": picture(), "list.csv": b"path\na\\b.png\n"})
    assert [each.name for each in listed(tmp_path / "list.csv")] == ["a\\b.png"]


GUESSED = "The zip does not say how its names are encoded: "
REPACK = "If that is wrong, pack it anew with names in UTF-8."


def test_pictures_of_linked_folders_are_found_once(tmp_path: Path) -> None:
    lay_out(tmp_path, {"elsewhere/a.png": picture(1), "x/b.png": picture(2)})
    (tmp_path / "x" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "x" / "loop").symlink_to(tmp_path / "x")
    assert [each.name for each in listed(tmp_path / "x")] == ["b.png", "linked/a.png"]


@pytest.mark.parametrize(
    ("encoding", "name", "notice"),
    [
        ("utf-8", MAC, ()),
        ("gbk", "张三.png", (f"{GUESSED}张三.png was guessed. {REPACK}",)),
        ("cp437", "Müller.png", (f"{GUESSED}Müller.png was guessed. {REPACK}",)),
    ],
)
def test_names_of_a_zip_that_does_not_say_their_encoding_are_told_apart(
    tmp_path: Path, encoding: str, name: str, notice: tuple[str, ...]
) -> None:
    raw = name.encode(encoding)
    path = pack(tmp_path / "x.zip", {"?" * len(raw): picture()})
    path.write_bytes(path.read_bytes().replace(b"?" * len(raw), raw))
    upload = opened(path)
    assert [each.name for each in upload.candidates] == [unicodedata.normalize("NFC", name)]
    assert upload.notices == notice


def test_name_in_utf_8_beside_one_in_another_encoding_is_used(tmp_path: Path) -> None:
    entry = zipfile.ZipInfo("M#U00fcller.png")
    field = b"\x01" + zlib.crc32(entry.filename.encode()).to_bytes(4, "little") + "Müller.png".encode()
    entry.extra = (0x7075).to_bytes(2, "little") + len(field).to_bytes(2, "little") + field
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(entry, picture())
    assert [each.name for each in listed(tmp_path / "x.zip")] == ["Müller.png"]


def test_zip_with_backslashes_between_folders_is_read(tmp_path: Path) -> None:
    archive = pack(
        tmp_path / "x.zip",
        {"faces\\a.png": picture(), "faces\\stimuli.csv": b"path,source,condition\na.png,anna,jpeg 30\n"},
    )
    assert [(each.name, each.source, each.condition) for each in listed(archive)] == [("a.png", "anna", "jpeg 30")]


def test_colon_in_the_name_of_a_picture_in_a_zip_is_no_drive(tmp_path: Path) -> None:
    archive = pack(tmp_path / "x.zip", {"2026-01-01 12:00:00.png": picture()})
    assert [each.name for each in listed(archive)] == ["2026-01-01 12:00:00.png"]


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        (b"", "is empty"),
        (b"name\nb.png\n", "lacks the column path; its columns are name"),
        (b"path,path\nb.png,b.png\n", "column path more than once"),
        (b"path\nb.png\nlost.png\n", "line 3, names lost.png, which does not exist"),
        (b"path\nb.png\n\nb.png\n", "line 4, names b.png once more; it is in line 2"),
        (b"path,kind\nb.png,gold\n", "line 2, lacks the expected grade of a gold item"),
        (b"path,kind,expected\nb.png,,3\n", "line 2, expects a grade of a rated item"),
        (b"path,kind\nb.png,best\n", "line 2, has the kind 'best'; expected rated, gold, trap, training"),
        (b"path,kind,expected\nb.png,gold,x\n", "line 2, has the expected grade 'x'"),
        (b"path\nb.png,extra\n", "line 2, has 2 fields, the header 1"),
        (b"path\n\x81\x8d.png\n", "line 2, is not UTF-8"),
        ("path\nä.png\n".encode("utf-16"), "line 2, names ä.png, which does not exist"),
        ("path\nä.png\n".encode("cp1252"), "line 2, names ä.png, which does not exist"),
        (b"path\n\0\n", "is no text"),
        (b'path\n"b.png\n', "cannot be read"),
        (b"path\n" + b"x" * 200_000, "cannot be read"),
        (b"path\n" + b"x" * 5000, "which does not exist"),
    ],
)
def test_bad_table_is_refused_with_its_line(tmp_path: Path, table: bytes, reason: str) -> None:
    lay_out(tmp_path, {"b.png": picture(), "list.csv": table})
    with pytest.raises(StimulusError, match=reason):
        listed(tmp_path / "list.csv")


def _link(archive: zipfile.ZipFile) -> None:
    entry = zipfile.ZipInfo("link.png")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive.writestr(entry, "/etc/passwd")


def _same_name_twice(archive: zipfile.ZipFile) -> None:
    archive.writestr("a.png", picture(1))
    with pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("a.png", picture(2))


def _bomb(archive: zipfile.ZipFile) -> None:
    archive.writestr("a.png", bytes(2**26), zipfile.ZIP_DEFLATED)


def _many(archive: zipfile.ZipFile) -> None:
    for number in range(60_001):
        archive.writestr(f"{number}", b"")


def _wrote(name: str) -> Callable[[zipfile.ZipFile], None]:
    return lambda archive: archive.writestr(name, picture())


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (_wrote("../a.png"), "leads out of it"),
        (_wrote("deep/../../a.png"), "leads out of it"),
        (_wrote("..\\a.png"), "leads out of it"),
        (_wrote("/a.png"), "leads out of it"),
        (_wrote("C:/a.png"), "leads out of it"),
        (_wrote("C:\\a.png"), "leads out of it"),
        (_wrote("."), "leads out of it"),
        (_wrote("inner.zip"), "holds another archive"),
        (_link, "has a link"),
        (_same_name_twice, "several entries of one name"),
        (_bomb, "would unpack to 64 MiB"),
        (_many, "holds 60001 files, more than the 60000"),
    ],
)
@pytest.mark.slow
def test_zip_that_is_up_to_something_is_refused(
    tmp_path: Path, write: Callable[[zipfile.ZipFile], None], reason: str
) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        write(archive)
    with pytest.raises(StimulusError, match=reason):
        listed(tmp_path / "x.zip")


def test_encrypted_zip_is_refused(tmp_path: Path) -> None:
    path = pack(tmp_path / "x.zip", {"a.png": picture()})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(StimulusError, match="is encrypted"):
        listed(path)


def test_damaged_zip_is_refused(tmp_path: Path) -> None:
    path = pack(tmp_path / "x.zip", {"a.png": picture()})
    data = bytearray(path.read_bytes())
    data[45] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(StimulusError, match=r"a\.png cannot be unpacked"):
        listed(path)
    path.write_bytes(data[:-30])
    with pytest.raises(StimulusError, match="neither a folder nor a zip or CSV"):
        listed(path)


def test_zip_too_large_for_the_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = pack(tmp_path / "x.zip", {"a.png": picture()})
    monkeypatch.setattr("shutil.disk_usage", lambda _path: type("Usage", (), {"free": 10}))
    with pytest.raises(StimulusError, match="0 MiB left"):
        listed(path)


def test_folder_with_too_many_pictures_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_STIMULI", 1)
    with pytest.raises(StimulusError, match="holds 2 files, more than the 1"):
        listed(lay_out(tmp_path / "x", FILES))


def test_missing_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StimulusError, match="does not exist; name a folder, a zip or a CSV"):
        listed(tmp_path / "nowhere")


class Rows(list[dict[str, Any]]):
    """Stands for a data set: rows, and `cast_column`, which must ask for undecoded pictures."""

    def cast_column(self, column: str, feature: Mapping[str, Any]) -> "Rows":
        if column not in self[0]:
            raise ValueError(f"Column {column} not in the dataset.")
        assert feature == {"decode": False}
        return self


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Rows:
    """Replace the package datasets by a stand-in with one data set."""
    rows = Rows()
    module = ModuleType("datasets")
    vars(module).update(load_dataset=lambda name, split: rows, Image=lambda decode: {"decode": decode})
    monkeypatch.setitem(sys.modules, "datasets", module)
    return rows


def test_pictures_of_the_hub_keep_their_bytes_and_descriptions(hub: Rows, tmp_path: Path) -> None:
    (tmp_path / "c.png").write_bytes(picture(3))
    hub += [
        {"image": {"bytes": picture(1), "path": "a.png"}, "source": "anna", "condition": "jpeg 30", "label": 7},
        {"image": {"bytes": picture(2), "path": None}, "kind": "gold", "expected": 4},
        {"image": {"bytes": None, "path": str(tmp_path / "c.png")}, "source": None},
        {"image": {"bytes": picture(4), "path": "a.png"}},
    ]
    first, second, third, fourth = from_hub("someone/faces")
    assert (first.name, first.read(), first.source) == ("a.png", picture(1), "anna")
    assert (first.condition, third.condition) == ("jpeg 30", None)
    assert (second.name, second.kind, second.expected) == ("000001", ItemKind.GOLD, 4.0)
    assert (third.name, third.read(), third.source) == ("c.png", picture(3), None)
    assert (fourth.name, fourth.read()) == ("000003-a.png", picture(4))


def test_hub_problems_are_one_sentence(hub: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    hub += [{"image": {"bytes": picture(1), "path": "a.png"}, "kind": "trap"}]
    with pytest.raises(StimulusError, match="Row 0 of the data set lacks the expected grade"):
        list(from_hub("someone/faces"))
    with pytest.raises(StimulusError, match=r"someone/faces .*cannot be loaded: Column photo not in"):
        from_hub("someone/faces", column="photo")
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(StimulusError, match="pip install datasets"):
        from_hub("someone/faces")


def handed_in(*files: Path) -> list[Candidate]:
    with open_files([UploadedFile(file, file.name) for file in files], files[0].parent) as upload:
        return upload.candidates


def test_files_handed_in_together_may_come_with_a_table_of_any_name(tmp_path: Path) -> None:
    lay_out(
        tmp_path, {"a.png": picture(1), "b.png": picture(2), "mine.csv": b"path,kind,expected\nfaces/b.png,gold,2\n"}
    )
    files = [tmp_path / name for name in ("a.png", "b.png", "mine.csv")]
    (only,) = handed_in(*files)
    assert (only.name, only.kind, only.read()) == ("faces/b.png", ItemKind.GOLD, picture(2))
    assert [each.name for each in handed_in(*files[:2])] == ["a.png", "b.png"]


def test_a_zip_is_handed_in_alone(tmp_path: Path) -> None:
    archive = pack(tmp_path / "x.zip", {"a.png": picture(1)})
    assert [each.name for each in handed_in(archive)] == ["a.png"]
    with pytest.raises(StimulusError, match="comes alone"):
        handed_in(archive, tmp_path / "b.png")


def test_two_tables_are_one_too_many(tmp_path: Path) -> None:
    with pytest.raises(StimulusError, match="2 CSV files"):
        handed_in(tmp_path / "a.csv", tmp_path / "b.csv")
