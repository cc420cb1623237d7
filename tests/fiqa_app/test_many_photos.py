"""`/compare` and `/curate` as programs use them: real files over HTTP, scored by the bundled network."""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gradio_client import Client, handle_file  # type: ignore[import-untyped]
from gradio_client.exceptions import AppError  # type: ignore[import-untyped]
from PIL import Image
from skimage.data import astronaut

from fiqa.checkpoints import find_checkpoint
from fiqa.degradation.synthetic import degrade
from fiqa.loading import load_predictor
from tests.served import serve

pytestmark = [
    pytest.mark.slow,
    # Gradio's server and client leave sockets and event loops to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    def load(name: str) -> Any:
        return load_predictor(name, device="cpu", finder="bundled")

    with serve(tmp_path_factory.mktemp("app"), load=load, checkpoints=[find_checkpoint("lite")]) as served:
        yield Client(served.address, verbose=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two photos in a clean and in a blurred version, what is no photo, and a zip that leads out of itself."""
    root = tmp_path_factory.mktemp("photos")
    for method, steps in {"clean": [], "blurred": [("gaussian_blur", 0.6)]}.items():
        (root / method).mkdir()
        for name, pixels in (("left", astronaut()), ("right", np.ascontiguousarray(astronaut()[:, ::-1]))):
            Image.fromarray(degrade(pixels[:400, 56:456], steps)).save(root / method / f"{name}.png")
        with zipfile.ZipFile(root / f"{method}.zip", "w") as archive:
            for path in sorted((root / method).iterdir()):
                archive.write(path, path.name)
    (root / "notes.png").write_text("not a photo")
    with zipfile.ZipFile(root / "out.zip", "w") as archive:
        archive.writestr("../../out.png", b"x")
    return root


def files(folder: Path, *names: str) -> list[Any]:
    return [handle_file(str(folder / name)) for name in names]


def test_a_program_compares_methods_by_files_and_their_names(client: Client, folder: Path) -> None:
    photos = files(folder, "clean/left.png", "clean/right.png", "blurred/left.png", "blurred/right.png")
    answer = client.predict(photos, "lite", ["clean"] * 2 + ["blurred"] * 2, api_name="/compare")
    (pair,) = answer["pairs"]
    assert (pair["a"], pair["b"], pair["photos"]) == ("clean", "blurred", 2)
    assert pair["difference"] < -0.1
    assert [photo["name"] for photo in answer["photos"]] == ["left", "right"]
    assert answer["stamp"]["checkpoint"] == "lite"


def test_a_program_compares_zips_with_undamaged_photos(client: Client, folder: Path) -> None:
    answer = client.predict(
        files(folder, "clean.zip", "blurred.zip"), "lite", reference=files(folder, "clean.zip"), api_name="/compare"
    )
    assert [method["name"] for method in answer["methods"]] == ["clean", "blurred"]
    assert {photo["face_from"] for photo in answer["photos"]} == {"reference"}
    assert answer["methods"][0]["measures"]["psnr"] > answer["methods"][1]["measures"]["psnr"]


@pytest.mark.parametrize(
    ("names", "methods", "message"),
    [
        ((), None, "at least two methods"),
        (("clean/left.png",), None, "whose these photos are"),
        (("clean/left.png",), ["a", "b"], "1 files and 2 names"),
        (("clean/left.png", "blurred/right.png"), ["a", "b"], "no photo name in common"),
        (("notes.png", "notes.png"), ["a", "b"], "Not one photo could be scored"),
        (("clean.zip", "out.zip"), None, "leads out of it"),
        (("clean.zip", "clean.zip"), None, "Two methods are called clean"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_a_sentence(
    client: Client, folder: Path, names: tuple[str, ...], methods: list[str] | None, message: str
) -> None:
    with pytest.raises(AppError, match=message) as refused:
        client.predict(files(folder, *names), "lite", methods, api_name="/compare")
    assert str(folder) not in str(refused.value)


def test_a_program_curates_photos(client: Client, folder: Path) -> None:
    photos = files(folder, "clean.zip", "blurred/left.png", "notes.png")
    answer = client.predict(photos, "lite", keep_share=0.6, without=["blur"], api_name="/curate")
    assert {photo["name"]: photo["verdict"] for photo in answer["photos"]} == {
        "clean/left.png": "keep", "clean/right.png": "keep", "left.png": "drop", "notes.png": "unscored",
    }  # fmt: skip
    assert answer["counts"] == {"keep": 2, "maybe": 0, "drop": 1, "unscored": 1}
    assert answer["photos"][2]["reason"] == "diagnosed as gaussian_blur"
    assert "is no picture" in answer["photos"][3]["error"] or "text" in answer["photos"][3]["error"]
    assert answer["stamp"]["checkpoint"] == "lite"


def test_a_program_says_who_is_on_a_photo_and_takes_the_threshold_from_others(client: Client, folder: Path) -> None:
    photos = files(folder, "clean.zip", "blurred.zip")
    answer = client.predict(
        photos,
        "lite",
        percentile=0,
        reference=files(folder, "blurred.zip"),
        best_of=1,
        persons={"left.png": "nobody: two have that name", "clean/left.png": "Eileen", "clean/right.png": "Eileen"},
        api_name="/curate",
    )
    kept = [photo["name"] for photo in answer["photos"] if photo["verdict"] == "keep"]
    assert len(kept) == 2  # one of Eileen, one of the folder of the others
    assert answer["threshold"]["origin"] == "percentile 0 of 2 photos in the reference set"


@pytest.mark.parametrize(
    ("names", "rules", "message"),
    [
        ((), {}, "There are no files in photos"),
        (("clean.zip",), {"keep_share": 2}, "above 0 and up to 1"),
        (("clean.zip",), {"keep_share": 0.5, "threshold": 0.5}, "asked for in several ways"),
        (("clean.zip",), {"threshold": 7}, "expected a score from 0 to 1"),
        (("clean.zip",), {"percentile": 5}, "send both, or neither"),
        (("clean.zip",), {"best_of": 0}, "whole number from 1"),
        (("clean.zip",), {"without": ["ugliness"]}, "no degradation 'ugliness'"),
        (("clean.zip",), {"without": "blur"}, "are a list of names"),
        (("clean.zip",), {"persons": ["Eileen"]}, "are an object of file name and person"),
        (("clean.zip",), {"persons": {"x.png": "Eileen"}}, "names not one of these photos"),
        (("clean.zip",), {"persons": {"x.png": "Eileen"}, "persons_by_face": True}, "choose one"),
        (("out.zip",), {}, "leads out of it"),
    ],
)
def test_what_cannot_be_curated_is_refused_in_a_sentence(
    client: Client, folder: Path, names: tuple[str, ...], rules: dict[str, Any], message: str
) -> None:
    with pytest.raises(AppError, match=message) as refused:
        client.predict(files(folder, *names), "lite", **rules, api_name="/curate")
    assert str(folder) not in str(refused.value)
