"""Puts the static page together: a folder that any web server can serve, and that a static Space takes as it is."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import platformdirs
from PIL import Image

from fiqa.bundled import CHECKPOINT, bundled
from fiqa.checkpoints import CheckpointSpec, find_checkpoint
from fiqa.errors import CheckpointError
from fiqa.faces import found_faces, landmarks
from fiqa.faces.boxes import MOST_OVERLAP
from fiqa.faces.finders import BOX_STEPS, BundledFaceFinder, FaceDetector
from fiqa.in_browser.runtime_files import add_runtime
from fiqa.models.detector_scale import BOX_UNIT_PX, LARGEST_PX, STRIDE
from fiqa.onnx.export import export_onnx
from fiqa.onnx.files import DETECTOR, FIRST_LOOK, QUALITY, SECOND_LOOK, OnnxCard, read_card
from fiqa.photos import images
from fiqa.photos.alignment import MAX_ROLL_DEG
from fiqa.ui.figures import ACR_WORDS
from fiqa.ui.score.panels import meaning
from fiqa.version import __version__

WASM = "runtime/ort-wasm-simd-threaded.wasm"
EXAMPLE = "example.png"
SETTINGS = "settings.json"
SPACE_CARD = """---
title: Face Image Quality in the browser
emoji: 🔎
colorFrom: indigo
colorTo: blue
sdk: static
app_file: index.html
license: apache-2.0
short_description: Score a face photo without sending it anywhere
pinned: false
---

A static page, written by `fiqa export --format page`: it scores face photos in the browser and sends none of them. It
holds ONNX Runtime Web, which is Microsoft's under the MIT licence.
"""


def build_page(checkpoint: str | Path, folder: str | Path, *, runtime: Path | None = None) -> CheckpointSpec:
    """Write the page for a checkpoint into a folder; return what is known of the checkpoint.

    Args:
        checkpoint: Name, folder, or owner/repository on the Hugging Face Hub.
        folder: Where to write; made if it is not there.
        runtime: The npm package onnxruntime-web as an archive; npm fetches it unless given.

    Raises:
        CheckpointError: The checkpoint or the package cannot be had, or the folder cannot be written.
        SettingError: What writes ONNX files is not installed, or there is no npm.
    """
    spec, folder = find_checkpoint(checkpoint), Path(folder)
    with _folder_errors(folder):
        add_runtime(folder / "runtime", runtime)
        export_onnx(checkpoint, folder, int8=False)
        add_page(spec, folder)
    return spec


def kept_page(checkpoint: str, *, runtime: Path | None = None) -> Path:
    """Return the page for a checkpoint as it is kept on this machine.

    ONNX files take a minute to write, so they are kept until what they were made of changes; the rest of the page is
    written anew each time. Errors as `build_page`.
    """
    spec = find_checkpoint(checkpoint)
    pages = Path(platformdirs.user_cache_dir("fiqa")) / "pages"
    with _folder_errors(pages):
        kept = pages / f"{Path(spec.name).name}-{__version__}-{_fingerprint(spec)}"
        if (kept / SETTINGS).is_file():
            add_page(spec, kept)
            return kept
        pages.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=pages, prefix=".building-") as building:
            build_page(checkpoint, Path(building, "page"), runtime=runtime)
            shutil.rmtree(kept, ignore_errors=True)
            Path(building, "page").replace(kept)
    return kept


def add_page(spec: CheckpointSpec, folder: Path) -> None:
    """Add the page itself to a folder of ONNX files with ONNX Runtime; the settings come last and complete it."""
    from skimage.data import astronaut

    for source in files("fiqa.in_browser").joinpath("static").iterdir():
        (folder / source.name).write_bytes(source.read_bytes())
    shutil.copyfile(bundled("style.css"), folder / "style.css")
    Image.fromarray(astronaut()).save(folder / EXAMPLE)
    (folder / "README.md").write_text(SPACE_CARD, encoding="utf-8")
    settings = json.dumps(page_settings(spec, read_card(folder), folder), indent=1, ensure_ascii=False)
    part = folder / f"{SETTINGS}.part"
    part.write_text(f"{settings}\n", encoding="utf-8")
    part.replace(folder / SETTINGS)


def page_settings(spec: CheckpointSpec, card: OnnxCard, folder: Path) -> dict[str, Any]:
    """Return what the page's scripts read: every number and sentence that they share with the library."""
    loaded = (WASM, DETECTOR, FIRST_LOOK, SECOND_LOOK, QUALITY)
    return {
        "version": __version__,
        "checkpoint": spec.name,
        "preprocessing": {"view_px": spec.preprocessing.view_px, "margin": spec.preprocessing.margin},
        "score_range": spec.score_range,
        "student_t": card.student_t,
        "words": ACR_WORDS,
        "meaning": meaning(spec),
        "finder": _finder_settings(),
        "limits": {
            "file_bytes": images.MAX_FILE_BYTES,
            "pixels": images.MAX_PIXELS,
            "side_px": images.MIN_SIDE_PX,
            "aspect": images.MAX_ASPECT,
        },
        "sentences": _sentences(),
        "files": {name: (folder / name).stat().st_size for name in loaded},
    }


def _finder_settings() -> dict[str, Any]:
    return {
        "stride": STRIDE,
        "box_unit_px": BOX_UNIT_PX,
        "largest_px": LARGEST_PX,
        "finest_share": FaceDetector.FINEST_SHARE,
        "finest_px": FaceDetector.FINEST_PX,
        "most": FaceDetector.MOST,
        "box_steps": BOX_STEPS,
        "overlap": MOST_OVERLAP,
        "accepted": BundledFaceFinder.ACCEPTED,
        "accepted_turned": BundledFaceFinder.ACCEPTED_TURNED,
        "faint": BundledFaceFinder.FAINT,
        "view_px": landmarks.VIEW_PX,
        "view_margin": landmarks.VIEW_MARGIN,
        "batch": landmarks.BATCH,
        "steps": float(landmarks.STEPS),
        "min_face_logit": landmarks.MIN_FACE_LOGIT,
        "max_roll_deg": MAX_ROLL_DEG,
        "small_face_px": found_faces.SMALL_FACE_PX,
        "cut_share": found_faces.CUT_SHARE,
    }


def _sentences() -> dict[str, str]:
    return {
        "no_face": found_faces.NO_FACE,
        "faint": found_faces.FAINT_NOTICE,
        "several": found_faces.SEVERAL_NOTICE.format(count="{count}", which="the most prominent"),
        "small": found_faces.SMALL_NOTICE,
        "cut": found_faces.CUT_NOTICE,
        "transparent": images.TRANSPARENT_NOTICE,
    }


def _fingerprint(spec: CheckpointSpec) -> str:
    """Return a name for the files that the ONNX files of a checkpoint are made of: other files, another name."""
    folders = [bundled(CHECKPOINT), *([spec.folder] if spec.folder else [])]
    made_of = [path for folder in folders for path in sorted(folder.iterdir())]
    facts = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in made_of]
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:12]


@contextmanager
def _folder_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CheckpointError(f"{folder} cannot be written: {error}; name a folder that can.") from error
