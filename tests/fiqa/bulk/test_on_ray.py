"""Photos scored on Ray get the scores of one process, also where a machine of the cluster is lost on the way."""

import signal
import tarfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from skimage.data import astronaut

from fiqa import load_predictor
from fiqa.bulk.engines import Waiting, in_order
from fiqa.bulk.on_ray import RayRun, _read, _Scorer, _unpacked, kept_sigterm
from fiqa.bulk.sinks import Done
from fiqa.bulk.sources import PhotoWords
from fiqa.bulk.workers import Scoring
from fiqa.errors import CheckpointError, PhotoError, SettingError
from fiqa.photos.sources import FoundPhotos
from fiqa.reports import ScoredPhoto
from fiqa.results import QualityResult

ray = pytest.importorskip("ray", reason="the extra ray is not installed")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::FutureWarning", "ignore::DeprecationWarning"),
]
PHOTOS = 8
MACHINE = {
    "num_cpus": 1, "object_store_memory": 2**27,
    "include_dashboard": False, "include_log_monitor": False, "no_monitor": True,
}  # fmt: skip
"""Without what watches a cluster: each is a process more."""
STARTS = 3
"""How often a cluster is started before the test fails: Ray gives its processes half a minute, which can be too little
on a machine that is busy with other tests."""


@pytest.fixture
def cluster() -> Iterator[Any]:
    """A cluster of two machines with one processor each, to the first of which this process is connected.

    SIGTERM does in other tests what it did: each machine that Ray starts here would end this process with it.
    """
    before = signal.getsignal(signal.SIGTERM)
    with kept_sigterm():
        made = started(STARTS)
    yield made
    ray.shutdown()
    made.shutdown()
    assert signal.getsignal(signal.SIGTERM) == before


def started(times: int) -> Any:
    """Start a cluster, again where that fails; raise what Ray raised where it failed so many times."""
    from ray.cluster_utils import Cluster

    made: Any = Cluster()
    try:
        for _ in range(2):
            made.add_node(**MACHINE)
        ray.init(address=made.address, log_to_driver=False, logging_level="ERROR")
    except Exception:  # Ray's own start raises nothing narrower
        ray.shutdown()
        made.shutdown()
        if times == 1:
            raise
        return started(times - 1)
    return made


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Portraits, one of them damaged, in an archive."""
    path = tmp_path / "shard.tar"
    with tarfile.open(path, "w") as archive:
        for number in range(PHOTOS):
            buffer = BytesIO()
            Image.fromarray(astronaut()[:256, 96:352]).save(buffer, "JPEG", quality=20 + 5 * number)
            content = buffer.getvalue()[: 100 if number == 3 else None]
            member = tarfile.TarInfo(f"{number:02}.jpg")
            member.size = len(content)
            archive.addfile(member, BytesIO(content))
    return path


def scores(photos: list[ScoredPhoto]) -> dict[str, float]:
    return {each.path: each.outcome.score for each in photos if isinstance(each.outcome, QualityResult)}


def test_a_run_that_loses_a_machine_gives_every_photo_once_with_the_local_score(cluster: Any, archive: Path) -> None:
    (lost,) = cluster.worker_nodes
    (archive.parent / "empty").mkdir()
    waiting = Waiting(PhotoWords((str(archive), str(archive.parent / "empty"))), Done([f"{archive}/00.jpg"]))
    run, found = RayRun(Scoring("lite", "cpu", "bundled"), None, workers=2, batch=1), FoundPhotos()
    arriving = run(waiting, found)
    scored = [next(arriving)]
    cluster.remove_node(lost, allow_graceful=False)
    scored += arriving

    predictor = load_predictor("lite", device="cpu", finder="bundled")
    expected = [*in_order(predictor.score_many)(waiting, FoundPhotos())]
    assert sorted(each.path for each in scored) == [each.path for each in expected]
    assert len(scored) == PHOTOS - 1
    assert found.troubles == [f"{archive.parent / 'empty'} is a folder without photos"]
    assert [each.path for each in scored if isinstance(each.outcome, PhotoError)] == [f"{archive}/03.jpg"]
    assert scores(scored) == pytest.approx(scores(expected), abs=1e-6)


def test_what_cannot_be_read_or_loaded_ends_the_run_with_its_own_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.csv").write_text("x\n1\n")
    (unreadable,) = read(tmp_path / "list.csv")
    with pytest.raises(SettingError, match="no column of photos"):
        _unpacked(unreadable, FoundPhotos())
    block, _ = read(tmp_path / "gone.png")
    scored = _Scorer(Scoring("nowhere", "cpu", "bundled"), str(tmp_path))(block.as_table())
    with pytest.raises(CheckpointError, match="nowhere"):
        _unpacked(scored["block"][0], FoundPhotos())


def read(path: Path) -> list[Any]:
    """Return the blocks that the reading task makes of a word."""
    waiting = Waiting(PhotoWords((str(path),)), Done())
    return [table["block"][0] for table in _read({}, waiting, 2, str(path.parent))]


def test_a_cluster_that_is_not_there_is_one_sentence_and_sigterm_does_what_it_did(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object, **__: object) -> None:
        signal.signal(signal.SIGTERM, lambda *_: None)  # as Ray does, whose handler would end the process at once
        raise ConnectionError("Could not find any running Ray instance.\nMore lines.")

    monkeypatch.setattr(ray, "init", refuse)
    run = RayRun(Scoring("lite", "cpu", "bundled"), "10.0.0.1:6379", workers=1, batch=2)
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SettingError, match=r"^No Ray cluster answers at 10\.0\.0\.1:6379: Could not find.*$"):
        [*run(Waiting(PhotoWords(("gone.png",)), Done()), FoundPhotos())]
    assert signal.getsignal(signal.SIGTERM) == before
