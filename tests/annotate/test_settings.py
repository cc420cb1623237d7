from pathlib import Path

import platformdirs
import pytest

from annotate.errors import SettingError
from annotate.settings import Settings


def test_without_variables_ratings_go_to_sqlite_in_the_users_data_folder() -> None:
    settings = Settings.from_environment({})
    assert settings.data_dir == Path(platformdirs.user_data_dir("fiqa")).resolve()
    assert settings.database_url == f"sqlite:///{settings.data_dir / 'ratings.sqlite3'}"
    assert settings.owner_secret is None
    assert (settings.labels_repo, settings.labels_minutes) == (None, 5)


def test_every_variable_is_read(tmp_path: Path) -> None:
    settings = Settings.from_environment(
        {
            "FIQA_DATA_DIR": str(tmp_path / "data"),
            "FIQA_DATABASE_URL": " postgresql+psycopg://ratings ",
            "FIQA_OWNER_SECRET": "swordfish",
            "FIQA_LABELS_REPO": "anna/labels",
            "FIQA_LABELS_MINUTES": "2",
        }
    )
    assert settings.data_dir == tmp_path / "data"
    assert settings.stimuli_dir == tmp_path / "data" / "stimuli"
    assert settings.database_url == "postgresql+psycopg://ratings"
    assert settings.owner_secret == "swordfish"  # noqa: S105
    assert (settings.labels_repo, settings.labels_minutes) == ("anna/labels", 2)


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({}, None),
        ({"FIQA_PUBLIC_URL": "https://faces.example.org"}, "https://faces.example.org/"),
        ({"FIQA_PUBLIC_URL": "http://lab:7860/faces/"}, "http://lab:7860/faces/"),
        ({"SPACE_HOST": "anna-faces.hf.space"}, "https://anna-faces.hf.space/"),
        ({"SPACE_HOST": "anna-faces.hf.space", "FIQA_PUBLIC_URL": "https://a.org"}, "https://a.org/"),
    ],
)
def test_links_begin_with_the_address_that_is_set_or_that_of_the_space(
    variables: dict[str, str], url: str | None
) -> None:
    assert Settings.from_environment(variables).public_url == url


@pytest.mark.parametrize("value", ["faces.example.org", "ftp://faces.org", "https://", "https://a.org/?study=x"])
def test_what_is_no_public_address_is_refused(value: str) -> None:
    with pytest.raises(SettingError, match="FIQA_PUBLIC_URL is"):
        Settings.from_environment({"FIQA_PUBLIC_URL": value})


@pytest.mark.parametrize("value", ["0", "1441", "soon", "1.5"])
def test_minutes_that_make_no_sense_are_refused(value: str) -> None:
    with pytest.raises(SettingError, match="FIQA_LABELS_MINUTES"):
        Settings.from_environment({"FIQA_LABELS_MINUTES": value})


def test_reading_creates_no_folder(tmp_path: Path) -> None:
    assert not Settings.from_environment({"FIQA_DATA_DIR": str(tmp_path / "new")}).data_dir.exists()


def test_a_blank_variable_counts_as_unset() -> None:
    assert Settings.from_environment({"FIQA_OWNER_SECRET": "  "}).owner_secret is None


@pytest.mark.parametrize("secret", ["FIQA_OWNER_SECRET", "FIQA_DATABASE_URL"])
def test_secrets_are_not_printed(secret: str) -> None:
    assert "swordfish" not in repr(Settings.from_environment({secret: "postgresql://me:swordfish@host/ratings"}))


def test_a_file_is_refused_as_data_folder(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(SettingError, match="FIQA_DATA_DIR"):
        Settings.from_environment({"FIQA_DATA_DIR": str(file)})
