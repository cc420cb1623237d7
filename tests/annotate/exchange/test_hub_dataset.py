"""A study as a data set of the Hub: parquet that holds the pictures, a card, and an upload that is private."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path

import pytest

from annotate import queries
from annotate.database.engine import Database
from annotate.design.protocol import StudyProtocol
from annotate.errors import ExportError
from annotate.exchange.hub_dataset import upload_hub_dataset, write_hub_dataset
from annotate.methods import make_protocol
from annotate.queries.pair_imports import ImportedComparison
from tests.annotate.hub_server import REPOSITORY, serve_hub
from tests.annotate.studies import candidates, honest_ratings, make_study, picture, rate

COUNT = 12


@pytest.fixture
def written(sqlite_database: Database, tmp_path: Path) -> Path:
    protocol = StudyProtocol.from_json({"more_scales": "piq23"})
    study_id = make_study(sqlite_database, tmp_path / "data", candidates(COUNT, per_source=2), protocol=protocol)
    given = honest_ratings([f"{number:03}.png" for number in range(COUNT)], 6)
    rate(sqlite_database, study_id, [each._replace(more_grades={"details": 2.0}) for each in given])
    report = write_hub_dataset(sqlite_database, study_id, tmp_path / "data", tmp_path / "out")
    assert sum(report.splits.values()) == COUNT
    with pytest.raises(ExportError, match="is not empty"):
        write_hub_dataset(sqlite_database, study_id, tmp_path / "data", tmp_path / "out")
    return tmp_path / "out"


def test_every_picture_is_in_one_split_with_its_bytes_and_figures(written: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    tables = {path.name.split("-")[0]: pq.read_table(path) for path in (written / "data").iterdir()}
    assert tables.keys() <= {"train", "validation", "test"}
    rows = {row["stimulus"]: row for table in tables.values() for row in table.to_pylist()}
    assert len(rows) == COUNT
    assert rows["003.png"]["image"] == {"bytes": picture(3), "path": "003.png"}
    assert (rows["003.png"]["ratings"], rows["003.png"]["source"]) == (6, "s1")
    assert rows["000.png"]["mos"] < rows["011.png"]["mos"]
    figures = ("mos_details", "ratings_details", "mos_exposure", "ratings_exposure")
    assert [rows["000.png"][name] for name in figures] == [2, 6, None, 0]
    assert b'"_type": "Image"' in tables["train"].schema.metadata[b"huggingface"]
    card = (written / "README.md").read_text()
    assert card.startswith("---\npretty_name:")
    assert "path: data/train-*.parquet" in card
    assert "`ci95`" in card
    assert "| `ci95_exposure` | `ci95` on the scale exposure, “Exposure”. |" in card


def test_of_pairs_pictures_have_their_place_and_conditions_a_file_of_their_own(
    sqlite_database: Database, tmp_path: Path
) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    offered = [replace(each, source="s", condition="abc"[number]) for number, each in enumerate(candidates(3))]
    study_id = make_study(sqlite_database, tmp_path / "data", offered, protocol=make_protocol({"method": "pairs"}))
    names = [each.name for each in offered]
    answers = [ImportedComparison(*two, f"p{who}", "left", 900) for who in range(3) for two in combinations(names, 2)]
    with sqlite_database.write() as db:
        queries.pair_imports.import_comparisons(db, study_id, answers, datetime.now(UTC))
    out = tmp_path / "out"
    write_hub_dataset(sqlite_database, study_id, tmp_path / "data", out)
    rows = [row for path in (out / "data").iterdir() for row in pq.read_table(path).to_pylist()]
    assert sorted((row["stimulus"], row["comparisons"]) for row in rows) == [(name, 6) for name in names]
    assert [row["condition"] for row in sorted(rows, key=lambda row: -row["jod"])] == [*"abc"]
    conditions = pq.read_table(out / "conditions.parquet").to_pylist()
    assert [(row["condition"], row["comparisons"]) for row in conditions] == [(name, 6) for name in "abc"]
    assert pq.read_table(out / "condition_pairs.parquet").num_rows == 3
    assert pq.read_table(out / "pairs.parquet").column("first_better").to_pylist() == [3, 3, 3]
    card = (out / "README.md").read_text()
    assert "- config_name: conditions\n  data_files: conditions.parquet\n" in card
    assert "9 answers to pairs of them" in card
    assert "## condition_pairs" in card


def test_it_is_uploaded_to_a_private_repository(written: Path) -> None:
    with serve_hub() as hub:
        assert upload_hub_dataset(written, REPOSITORY, hub.api()) == REPOSITORY
        wanted = hub.created[0]
        assert wanted.get("visibility") == "private" or wanted.get("private") is True
        assert {name for name in hub.files if name.endswith((".md", ".parquet"))} == {
            path.relative_to(written).as_posix() for path in written.rglob("*") if path.is_file()
        }
        hub.broken = True
        with pytest.raises(ExportError, match="check HF_TOKEN"):
            upload_hub_dataset(written, REPOSITORY, hub.api())


def test_a_study_without_ratings_is_no_data_set(sqlite_database: Database, tmp_path: Path) -> None:
    study_id = make_study(sqlite_database, tmp_path, candidates(2))
    with pytest.raises(ExportError, match="let people rate first"):
        write_hub_dataset(sqlite_database, study_id, tmp_path, tmp_path / "out")
