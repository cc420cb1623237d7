"""What can be configured from outside: the `FIQA_…` environment variables, read once at start.

    FIQA_HOST        address the app listens on                    127.0.0.1
    FIQA_PORT        its port, 1 to 65535                          7860
    FIQA_DEVICE      "auto", "cpu", "cuda", "cuda:1" or "mps"      auto
    FIQA_CHECKPOINT  name of the checkpoint chosen at first        lite
    FIQA_FINDER      "auto", "bundled" or "face-alignment"         auto
    FIQA_DATA_DIR    folder for what the app stores                the user-data folder of the platform
    FIQA_RATE_LIMIT  requests a second that one address may make   20
    FIQA_FETCH_URLS  whether a photo may be given as a public URL  no
    FIQA_LOG         whether each request is one line of the log   no, on a Space yes
    FIQA_METRICS     whether counters are served at /metrics       no

On a Hugging Face Space (where SPACE_ID is set) the app listens on every address, and visitors come through a proxy;
where SPACES_ZERO_GPU is set as well, a GPU is lent for each photo (`fiqa.zero_gpu`). Both are set by the Space.
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
SWITCHES = {"yes": True, "true": True, "1": True, "on": True, "no": False, "false": False, "0": False, "off": False}
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
    on_space: bool
    zero_gpu: bool
    rate_limit: int
    fetch_urls: bool
    log_requests: bool
    metrics: bool

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read the variables; blank ones count as unset. Raises SettingError naming a bad one."""
        values = {name: value.strip() for name, value in environment.items() if value.strip()}
        data_dir = _folder("FIQA_DATA_DIR", values.get("FIQA_DATA_DIR") or platformdirs.user_data_dir("fiqa"))
        on_space = "SPACE_ID" in values
        return cls(
            host=values.get("FIQA_HOST", EVERY_ADDRESS if on_space else "127.0.0.1"),
            port=_port("FIQA_PORT", values.get("FIQA_PORT", "7860")),
            device=_device("FIQA_DEVICE", values.get("FIQA_DEVICE", "auto")),
            checkpoint=values.get("FIQA_CHECKPOINT", "lite"),
            finder=_finder("FIQA_FINDER", values.get("FIQA_FINDER", "auto")),
            data_dir=data_dir,
            on_space=on_space,
            zero_gpu=_switch("SPACES_ZERO_GPU", values.get("SPACES_ZERO_GPU", "no")),
            rate_limit=_rate("FIQA_RATE_LIMIT", values.get("FIQA_RATE_LIMIT", "20")),
            fetch_urls=_switch("FIQA_FETCH_URLS", values.get("FIQA_FETCH_URLS", "no")),
            log_requests=_switch("FIQA_LOG", values.get("FIQA_LOG", "yes" if on_space else "no")),
            metrics=_switch("FIQA_METRICS", values.get("FIQA_METRICS", "no")),
        )


def _port(name: str, value: str) -> int:
    if not value.isdecimal() or not 1 <= int(value) <= HIGHEST_PORT:
        raise SettingError(f"{name} is {value!r}, expected a port number from 1 to {HIGHEST_PORT}.")
    return int(value)


def _rate(name: str, value: str) -> int:
    if not value.isascii() or not value.isdecimal() or int(value) < 1:
        raise SettingError(f"{name} is {value!r}, expected a whole number of requests a second, at least 1.")
    return int(value)


def _switch(name: str, value: str) -> bool:
    if value.lower() not in SWITCHES:
        raise SettingError(f"{name} is {value!r}, expected yes or no.")
    return SWITCHES[value.lower()]


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
