"""What can be configured from outside: the `FIQA_…` environment variables, read once at start.

    FIQA_HOST        address the app listens on                    127.0.0.1
    FIQA_PORT        its port, 1 to 65535                          7860
    FIQA_DEVICE      "auto", "cpu", "cuda", "cuda:1" or "mps"      auto
    FIQA_CHECKPOINT  name of the checkpoint chosen at first        lite
    FIQA_FINDER      "auto", "bundled" or "face-alignment"         auto
    FIQA_DATA_DIR    folder for what the app stores                the user-data folder of the platform

On a Hugging Face Space (where SPACE_ID is set) the app listens on every address.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from fiqa.errors import SettingError

DEVICES = re.compile(r"auto|cpu|mps|cuda(:\d+)?")
FINDERS = ("auto", "bundled", "face-alignment")
HIGHEST_PORT = 65535
EVERY_ADDRESS = "0.0.0.0"  # noqa: S104  # a Space is reached through a proxy from outside its container


@dataclass(frozen=True)
class Settings:
    """The app's configuration; see the module for meaning and defaults."""

    host: str
    port: int
    device: str
    checkpoint: str
    finder: str
    data_dir: Path

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read the variables; blank ones count as unset. Raises SettingError naming a bad one."""
        values = {name: value.strip() for name, value in environment.items() if value.strip()}
        data_dir = _folder("FIQA_DATA_DIR", values.get("FIQA_DATA_DIR") or platformdirs.user_data_dir("fiqa"))
        return cls(
            host=values.get("FIQA_HOST", EVERY_ADDRESS if "SPACE_ID" in values else "127.0.0.1"),
            port=_port("FIQA_PORT", values.get("FIQA_PORT", "7860")),
            device=_device("FIQA_DEVICE", values.get("FIQA_DEVICE", "auto")),
            checkpoint=values.get("FIQA_CHECKPOINT", "lite"),
            finder=_finder("FIQA_FINDER", values.get("FIQA_FINDER", "auto")),
            data_dir=data_dir,
        )


def _port(name: str, value: str) -> int:
    if not value.isdecimal() or not 1 <= int(value) <= HIGHEST_PORT:
        raise SettingError(f"{name} is {value!r}, expected a port number from 1 to {HIGHEST_PORT}.")
    return int(value)


def _device(name: str, value: str) -> str:
    if not DEVICES.fullmatch(value):
        raise SettingError(f"{name} is {value!r}, expected auto, cpu, cuda, cuda:<number> or mps.")
    return value


def _finder(name: str, value: str) -> str:
    if value not in FINDERS:
        raise SettingError(f"{name} is {value!r}, expected one of {', '.join(FINDERS)}.")
    return value


def _folder(name: str, value: str) -> Path:
    """Resolve a folder that may not exist yet; nothing is created here."""
    folder = Path(value).expanduser().resolve()
    if folder.exists() and not folder.is_dir():
        raise SettingError(f"{name} is {value!r}, which is a file; expected a folder.")
    return folder
