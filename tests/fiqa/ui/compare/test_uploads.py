import zipfile
from pathlib import Path

import pytest

from fiqa.errors import SettingError
from fiqa.ui.compare.uploads import MOST_METHODS, MOST_PHOTOS, UploadedFile, match_uploads, uploaded_files


def handed_in(folder: Path, *names: str) -> list[UploadedFile]:
    """Write files as an upload does: each in a folder of its own."""
    files = []
    for name in names:
        path = folder / str(len(list(folder.iterdir()))) / name
        path.parent.mkdir()
        path.write_bytes(b"a photo")
        files.append(UploadedFile(str(path), name))
    return files


def zipped(folder: Path, name: str, *names: str) -> UploadedFile:
    (file,) = handed_in(folder, name)
    with zipfile.ZipFile(file.path, "w") as archive:
        for each in names:
            archive.writestr(each, b"a photo")
    return file


def table(folder: Path, text: str) -> UploadedFile:
    (file,) = handed_in(folder, "methods.csv")
    Path(file.path).write_text(text)
    return file


def test_files_have_the_names_that_their_owner_knows() -> None:
    sent = [{"path": "/cache/1/ab.png", "orig_name": "a?b.png"}, {"path": "/cache/2/c.png", "orig_name": None}]
    assert [file.name for file in uploaded_files(sent)] == ["a?b.png", "c.png"]
    assert uploaded_files(None) == []


def test_pictures_and_zips_are_matched_by_name_and_methods_named(tmp_path: Path) -> None:
    methods = [
        ("", handed_in(tmp_path, "1.png", "2.png", "notes.txt")),
        ("", [zipped(tmp_path, "gfpgan.zip", "gfpgan/1.jpg", "gfpgan/2.jpg")]),
        (" Ours ", handed_in(tmp_path, "1.webp")),
        ("", []),
    ]
    uploads = match_uploads(methods, reference=handed_in(tmp_path, "1.png"))

    (photo,) = uploads.matched.photos
    assert (photo.name, list(photo.paths)) == ("1", ["A", "gfpgan", "Ours"])
    assert photo.reference is not None
    assert uploads.origins == {"A": "3 uploaded photos", "gfpgan": "gfpgan.zip", "Ours": "1 uploaded photos"}
    assert uploads.notices == ("1 file is passed over, being no photos: notes.txt.",)
    assert uploads.matched.notices() == [
        "1 of A has no partner and is left out: 2.",
        "1 of gfpgan has no partner and is left out: 2.",
    ]


def test_a_list_finds_its_photos_among_what_was_handed_in(tmp_path: Path) -> None:
    csv = table(tmp_path, "path,method,name\nout/a/x_a.png,a,x\nC:\\out\\x_b.png,b,x\n")
    uploads = match_uploads((), listed=[csv, *handed_in(tmp_path, "x_a.png", "x_b.png")])

    assert list(uploads.matched.photos[0].paths) == ["a", "b"]
    assert uploads.origins == {"a": "methods.csv", "b": "methods.csv"}


def test_a_list_finds_its_photos_in_a_zip_by_their_folders(tmp_path: Path) -> None:
    csv = table(tmp_path, "path,method\nout/a/1.png,a\nout/b/1.png,b\n")
    photos = zipped(tmp_path, "all.zip", "out/a/1.png", "out/b/1.png")

    (photo,) = match_uploads((), listed=[csv, photos]).matched.photos

    assert [str(path).split("/", 4)[-1] for path in photo.paths.values()] != []
    assert photo.paths["a"] != photo.paths["b"]


@pytest.mark.parametrize("path", ["/etc/passwd", "../../secret.png", "secret.png"])
def test_a_list_never_leads_to_files_of_this_machine(tmp_path: Path, path: str) -> None:
    csv = table(tmp_path, f"path,method\n{path},a\n")
    (Path(csv.path).parent / "secret.png").write_bytes(b"a photo")

    with pytest.raises(SettingError, match="is not among the photos"):
        match_uploads((), listed=[csv])


def test_too_many_methods_or_photos_are_refused(tmp_path: Path) -> None:
    one = handed_in(tmp_path, "1.png")
    with pytest.raises(SettingError, match=f"7 methods and the page takes {MOST_METHODS}"):
        match_uploads([(f"m{number}", one) for number in range(7)])
    many = [UploadedFile(one[0].path, f"{number}.png") for number in range(MOST_PHOTOS + 1)]
    with pytest.raises(SettingError, match="has 201 photos"):
        match_uploads([("a", many), ("b", many)])


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("x", "x"), "Two methods are called x"),
        (("a\u202e", "b"), "is no usable name"),
        (("a" * 61, "b"), "is no usable name"),
        (("a", None), "at least two methods"),
        ((None, None), "at least two methods"),
    ],
)
def test_methods_that_cannot_be_told_apart_get_one_sentence(
    tmp_path: Path, names: tuple[str | None, ...], message: str
) -> None:
    methods = [(name or "", handed_in(tmp_path, "1.png") if name else []) for name in names]
    with pytest.raises(SettingError, match=message):
        match_uploads(methods)


def test_a_method_without_photos_and_a_list_without_a_csv_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="a has no photos"):
        match_uploads([("a", handed_in(tmp_path, "notes.txt"))])
    with pytest.raises(SettingError, match="There is no CSV"):
        match_uploads((), listed=handed_in(tmp_path, "1.png"))
