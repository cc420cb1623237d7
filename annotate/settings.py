"""What labelling reads from the environment, once at start.

FIQA_DATA_DIR      folder for stimuli and, unless a URL is set, the database   the user-data folder of the platform
FIQA_DATABASE_URL  SQLAlchemy URL of the ratings database                      SQLite in the data folder
FIQA_OWNER_SECRET  what the owner of studies signs in with                     one is made at every start
FIQA_OWNERS        who may own studies, signed in with Hugging Face            nobody
FIQA_PUBLIC_URL    address under which participants reach the app              that of the Space, if it is one
FIQA_BACKUP_DAYS   days that backups are kept, 0 for ever                      30
FIQA_LABELS_REPO   private dataset "owner/name" of the Hub that keeps a copy   none
FIQA_LABELS_MINUTES  minutes between two copies, 1 to 1440                     5
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

import platformdirs

from annotate.errors import SettingError
from annotate.owners import owner_names

MINUTES_OF_A_DAY = 24 * 60
MOST_DAYS = 3650


@dataclass(frozen=True)
class Settings:
    """The configuration of labelling; see the module for meaning and defaults."""

    data_dir: Path
    database_url: str = field(repr=False)  # may hold a password
    owner_secret: str | None = field(default=None, repr=False)
    owners: frozenset[str] = frozenset()
    public_url: str | None = None
    labels_repo: str | None = None
    labels_minutes: int = 5
    backup_days: int = 30

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read the variables; blank ones count as unset. Raises SettingError naming a bad one."""
        values = {name: value.strip() for name, value in environment.items() if value.strip()}
        data_dir = _folder("FIQA_DATA_DIR", values.get("FIQA_DATA_DIR") or platformdirs.user_data_dir("fiqa"))
        return cls(
            data_dir=data_dir,
            database_url=values.get("FIQA_DATABASE_URL") or f"sqlite:///{quote(str(data_dir / 'ratings.sqlite3'))}",
            owner_secret=values.get("FIQA_OWNER_SECRET"),
            owners=owner_names(values.get("FIQA_OWNERS", "")),
            public_url=_public_url(values),
            labels_repo=values.get("FIQA_LABELS_REPO"),
            backup_days=_days("FIQA_BACKUP_DAYS", values.get("FIQA_BACKUP_DAYS", "30")),
            labels_minutes=_minutes("FIQA_LABELS_MINUTES", values.get("FIQA_LABELS_MINUTES", "5")),
        )

    @property
    def stimuli_dir(self) -> Path:
        """Where the files of stimuli are, named after their content; it may not exist yet."""
        return self.data_dir / "stimuli"


def _public_url(values: Mapping[str, str]) -> str | None:
    """Return the address with a slash at the end: the one that is set, or that of the Space this runs on."""
    if url := values.get("FIQA_PUBLIC_URL"):
        return read_address("FIQA_PUBLIC_URL", url)
    return f"https://{values['SPACE_HOST']}/" if "SPACE_HOST" in values else None


def read_address(name: str, url: str) -> str:
    """Return the address of an app with a slash at the end; raise SettingError, by `name`, for what is none."""
    parsed = urlsplit(url)
    if parsed.scheme not in ("http", "https") or not parsed.netloc or parsed.query or parsed.fragment:
        raise SettingError(f"{name} is {url!r}, expected an address such as https://faces.example.org.")
    return f"{url.rstrip('/')}/"


def _minutes(name: str, value: str) -> int:
    if not value.isascii() or not value.isdecimal() or not 1 <= int(value) <= MINUTES_OF_A_DAY:
        raise SettingError(f"{name} is {value!r}, expected whole minutes from 1 to {MINUTES_OF_A_DAY}.")
    return int(value)


def _days(name: str, value: str) -> int:
    if not value.isascii() or not value.isdecimal() or int(value) > MOST_DAYS:
        raise SettingError(f"{name} is {value!r}, expected whole days from 0, for ever, to {MOST_DAYS}.")
    return int(value)


def _folder(name: str, value: str) -> Path:
    """Resolve a folder that may not exist yet; nothing is created here."""
    folder = Path(value).expanduser().resolve()
    if folder.exists() and not folder.is_dir():
        raise SettingError(f"{name} is {value!r}, which is a file; expected a folder.")
    return folder
