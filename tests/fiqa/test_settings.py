from pathlib import Path

import platformdirs
import pytest

from fiqa.errors import SettingError
from fiqa.settings import Settings


def test_without_variables_the_defaults_hold() -> None:
    settings = Settings.from_environment({})
    assert (settings.host, settings.port) == ("127.0.0.1", 7860)
    assert (settings.device, settings.checkpoint, settings.finder) == ("auto", "lite", "auto")
    assert settings.data_dir == Path(platformdirs.user_data_dir("fiqa")).resolve()
    assert settings.rate_limit == 20
    assert not any((settings.on_space, settings.fetch_urls, settings.log_requests, settings.metrics))


def test_every_variable_is_read(tmp_path: Path) -> None:
    settings = Settings.from_environment(
        {
            "FIQA_HOST": "0.0.0.0",  # noqa: S104
            "FIQA_PORT": " 8080 ",
            "FIQA_DEVICE": "cuda:1",
            "FIQA_CHECKPOINT": "owner/repository",
            "FIQA_FINDER": "bundled",
            "FIQA_DATA_DIR": str(tmp_path / "data"),
            "FIQA_RATE_LIMIT": "7",
            "FIQA_FETCH_URLS": "yes",
            "FIQA_LOG": "On",
            "FIQA_METRICS": "1",
        }
    )
    assert settings.host == "0.0.0.0"  # noqa: S104
    assert settings.port == 8080
    assert settings.device == "cuda:1"
    assert settings.checkpoint == "owner/repository"
    assert settings.finder == "bundled"
    assert settings.data_dir == tmp_path / "data"
    assert settings.rate_limit == 7
    assert settings.fetch_urls
    assert settings.log_requests
    assert settings.metrics


def test_reading_creates_no_folder(tmp_path: Path) -> None:
    assert not Settings.from_environment({"FIQA_DATA_DIR": str(tmp_path / "new")}).data_dir.exists()


def test_a_blank_variable_counts_as_unset() -> None:
    assert Settings.from_environment({"FIQA_PORT": "  "}).port == 7860


def test_a_space_listens_on_every_address_and_logs_requests() -> None:
    settings = Settings.from_environment({"SPACE_ID": "someone/fiqa"})
    assert settings.host == "0.0.0.0"  # noqa: S104
    assert settings.on_space
    assert settings.log_requests
    assert not settings.zero_gpu
    assert Settings.from_environment({"SPACE_ID": "someone/fiqa", "SPACES_ZERO_GPU": "true"}).zero_gpu


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FIQA_PORT", "http"),
        ("FIQA_PORT", "0"),
        ("FIQA_PORT", "65536"),
        ("FIQA_PORT", "-1"),
        ("FIQA_PORT", "²"),
        ("FIQA_DEVICE", "gpu"),
        ("FIQA_DEVICE", "cuda:"),
        ("FIQA_FINDER", "dlib"),
        ("FIQA_RATE_LIMIT", "0"),
        ("FIQA_RATE_LIMIT", "fast"),
        ("FIQA_FETCH_URLS", "maybe"),
        ("FIQA_METRICS", "2"),
    ],
)
def test_a_bad_value_is_refused_with_its_variable_and_value(name: str, value: str) -> None:
    with pytest.raises(SettingError, match=name) as caught:
        Settings.from_environment({name: value})
    assert repr(value) in str(caught.value)
    assert "expected" in str(caught.value)


def test_a_file_is_refused_as_data_folder(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(SettingError, match="FIQA_DATA_DIR"):
        Settings.from_environment({"FIQA_DATA_DIR": str(file)})
