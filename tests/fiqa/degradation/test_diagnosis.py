"""Diagnoses as people and programs get them, on the command line too."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from fiqa.__main__ import main
from fiqa.degradation.atlas import TYPES, Diagnosis, Finding, Neighbour
from fiqa.degradation.diagnosis import (
    DiagnosedPhoto,
    EncodedFace,
    PhotoDiagnosis,
    embeddings_csv,
    embeddings_npy,
    to_csv,
    to_json,
    to_table,
)
from fiqa.errors import PhotoError
from fiqa.loading import load_predictor


def diagnosed(path: str) -> DiagnosedPhoto:
    diagnosis = Diagnosis(
        (Finding("jpeg", 0.8, 0.62), Finding("clean", 0.2, 0.0)), 0.5, (0.1, -0.2), (Neighbour("jpeg", 0.6, 0.4),)
    )
    encoded_face = EncodedFace(0.61, np.arange(3, dtype=np.float32), np.zeros((8, 8, 3), np.uint8))
    return DiagnosedPhoto(
        path, PhotoDiagnosis(encoded_face, diagnosis, (1.0, 2.0, 3.0, 4.0), "lite", (0.0, 1.0), "ten faces")
    )


PHOTOS = [diagnosed("a.png"), DiagnosedPhoto("b\x1b.png", PhotoError("b.png is empty (0 bytes)."))]


def test_json_has_one_object_a_photo_likeliest_first() -> None:
    good, bad = json.loads(to_json(PHOTOS))
    assert good["degradations"][0] == {"type": "jpeg", "probability": 0.8, "severity": 0.62}
    assert {"path", "degradations", "outlier", "score", "position", "neighbours", "error"} <= set(good) & set(bad)
    assert (bad["degradations"], bad["error"]) == ([], "b.png is empty (0 bytes).")


def test_csv_has_one_line_a_finding() -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(PHOTOS))))
    assert [row["type"] for row in rows] == ["jpeg", "clean", ""]
    assert rows[2]["error"]


def test_the_table_is_safe_on_a_terminal() -> None:
    table = to_table(PHOTOS)
    assert "JPEG at 0.6 (80%), No degradation (20%)" in table
    assert "\x1b" not in table


def test_embeddings_are_saved_with_gaps_where_there_are_none() -> None:
    saved = np.load(io.BytesIO(embeddings_npy(PHOTOS)), allow_pickle=False)
    assert np.array_equal(saved[0], [0, 1, 2])
    assert np.isnan(saved[1]).all()
    header, row = csv.reader(io.StringIO(embeddings_csv(PHOTOS)))
    assert header == ["path", "e0", "e1", "e2"]
    assert row == ["a.png", "0.0", "1.0", "2.0"]


def test_the_command_line_diagnoses_photos(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIQA_DATA_DIR", str(tmp_path / "data"))
    photo, text = tmp_path / "astronaut.png", tmp_path / "notes.jpg"
    Image.fromarray(skimage.data.astronaut()).save(photo)
    text.write_text("not a photo", encoding="utf-8")
    assert main(["degradation", str(photo), str(text), "--format", "json"]) == 1
    out, err = capsys.readouterr()
    good, bad = json.loads(out)
    assert good["score"] == pytest.approx(load_predictor("lite", device="cpu").score(photo).score, abs=1e-3)
    assert {entry["type"] for entry in good["degradations"]} <= set(TYPES)
    assert bad["error"]
    assert len(err.splitlines()) == 1
