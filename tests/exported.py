"""The bundled checkpoint as ONNX files, written once for all tests that need them: that takes a minute and more.

They are kept in pytest's cache until something changes that they may be made of: a module of the library, the bundled
weights, or a package that traces and writes.
"""

import fcntl
import hashlib
import shutil
from importlib.metadata import version
from pathlib import Path

from fiqa.__main__ import main
from fiqa.bundled import CHECKPOINT, bundled
from fiqa.onnx.files import CARD

ROOT = Path(__file__).parents[1]
PACKAGES = ("torch", "torchvision", "onnx", "onnxscript", "onnxruntime", "numpy", "scikit-image")


def export_lite() -> Path:
    """Return the folder that `fiqa export` writes, which is shared and not to be changed."""
    kept = ROOT / ".pytest_cache" / "lite-onnx"
    kept.mkdir(parents=True, exist_ok=True)
    folder, part = kept / _fingerprint(), kept / "part"
    with (kept / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / CARD).is_file():
            for old in filter(Path.is_dir, kept.iterdir()):
                shutil.rmtree(old)
            assert main(["export", "lite", "--format", "onnx", "--output", str(part)]) == 0
            part.replace(folder)
    return folder


def _fingerprint() -> str:
    """Return a name for everything that the files may be made of."""
    library = ROOT / "fiqa"
    sources = [
        path for path in library.rglob("*.py") if library / "ui" not in path.parents
    ]  # the page is of no account
    weights = [path for path in bundled(CHECKPOINT).iterdir() if path.is_file()]
    digest = hashlib.sha256(" ".join(map(version, PACKAGES)).encode())
    for path in sorted([*sources, *weights]):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]
