"""Where uploads lie for the minutes in which they are needed, and how they go.

Gradio deletes only files that it has taken note of. What an upload that broke off leaves behind, or a run that was
killed, nobody takes note of; so everything in the folder that is old enough goes, whoever put it there.
"""

import os
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

SWEEP_S = 60


class UploadFolder:
    """A folder whose files live `kept_minutes` at most."""

    def __init__(self, path: Path, *, kept_minutes: int) -> None:
        self.path, self.kept_minutes = path, kept_minutes

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], *, kept_minutes: int) -> "UploadFolder":
        """Take Gradio's GRADIO_TEMP_DIR, or a folder of our own among the system's temporary files."""
        named = environment.get("GRADIO_TEMP_DIR", "").strip()
        path = Path(named or Path(tempfile.gettempdir()) / "fiqa-uploads").expanduser().resolve()
        return cls(path, kept_minutes=kept_minutes)

    def open(self) -> int:
        """Make the folder, for this user only, and tell Gradio; returns how many old files a former run had left."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.environ["GRADIO_TEMP_DIR"] = str(self.path)
        return self.sweep()

    def sweep(self, *, older_than_s: float | None = None) -> int:
        """Delete what is too old, and empty folders; returns the number of files."""
        limit = time.time() - (60 * self.kept_minutes - SWEEP_S if older_than_s is None else older_than_s)
        deleted = 0
        for folder, _, names in os.walk(self.path, topdown=False):
            deleted += sum(_delete(Path(folder, name), limit) for name in names)
            if Path(folder) != self.path:
                with suppress(OSError):  # not empty
                    Path(folder).rmdir()
        return deleted

    def clear(self) -> None:
        """Delete everything: the run is over."""
        self.sweep(older_than_s=0)

    def sweep_regularly(self) -> None:
        """Sweep every minute until the process ends."""
        threading.Thread(target=self._sweep_for_ever, name="sweep-uploads", daemon=True).start()

    def _sweep_for_ever(self) -> None:
        while True:
            time.sleep(SWEEP_S)
            self.sweep()


def _delete(file: Path, limit: float) -> bool:
    try:
        if file.lstat().st_mtime > limit:
            return False
        file.unlink()
    except OSError:  # another sweep was faster
        return False
    return True
