"""The bundled checkpoint as ONNX files, written once for all tests that need them: it takes most of a minute."""

import fcntl
import os
from pathlib import Path

import pytest

from fiqa.__main__ import main
from fiqa.onnx.files import CARD


def export_lite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that `fiqa export` writes; processes that run tests side by side share it."""
    root = tmp_path_factory.getbasetemp()
    shared = root.parent if "PYTEST_XDIST_WORKER" in os.environ else root
    folder = shared / "lite-onnx"
    with (shared / "lite-onnx.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / CARD).is_file():
            assert main(["export", "lite", "--format", "onnx", "--output", str(folder)]) == 0
    return folder
