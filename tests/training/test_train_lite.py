"""The steps that make lite, in their order and with what each hands on to the next."""

from collections.abc import Sequence

import pytest

from training import build_atlas, pseudo_mos, release, train_degradation, train_lite, train_quality

STEPS = (pseudo_mos, train_degradation, train_quality, release, build_atlas)


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What was called with what, instead of doing it."""
    calls: list[tuple[str, str]] = []
    for module in STEPS:

        def record(words: Sequence[str], name: str = module.__name__) -> None:
            calls.append((name.removeprefix("training."), " ".join(words)))

        record.__module__ = module.__name__
        monkeypatch.setattr(module, "main", record)
    return calls


def test_from_photos_every_step_works_on_what_the_one_before_made(
    done: list[tuple[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    train_lite.main(["--photos", "faces", "--output", "runs/mine"])
    names, first, words = [name for name, _ in done], dict(reversed(done)), dict(done)
    assert names == ["pseudo_mos", "train_degradation", "train_quality", "train_quality", "release", "build_atlas"]
    assert words["pseudo_mos"] == "--photos faces --output runs/mine/views"
    assert "--pretrained --encoder runs/mine/encoder" in first["train_quality"]
    assert "--start runs/mine/quality --batch 64 --freeze-blocks 2 --keep-encoder" in words["train_quality"]
    assert words["release"].startswith("runs/mine/last --last --output runs/mine/checkpoint --name lite")
    assert words["build_atlas"] == "--views runs/mine/views --checkpoint runs/mine/checkpoint"
    assert "python -m training.pseudo_mos --photos faces" in capsys.readouterr().out


def test_from_a_checkpoint_the_degradation_encoder_is_kept(done: list[tuple[str, str]]) -> None:
    train_lite.main(["--photos", "faces", "--start", "before", "--steps", "3"])
    first = dict(reversed(done))
    assert "train_degradation" not in first
    assert "--steps 3 --start before --keep-encoder --batch 64" in first["train_quality"]
