"""Options of commands: those that several share, and those of `fiqa compare`, `curate`, `audit` and `video`."""

import argparse
from collections.abc import Iterable
from pathlib import Path

from fiqa import audit, comparison, curation, dataset_report, reports, video
from fiqa.errors import SettingError
from fiqa.faces.face_choice import ALIGNED_LAYOUTS, FACE_CHOICES, FaceChoice, read_face_choice
from fiqa.settings import DEVICES

ALL_FACES = "all"


def add_photo_options(parser: argparse.ArgumentParser) -> None:
    """Add what names photos, the network and where the answer goes."""
    parser.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="photo, folder (searched recursively), pattern, or - for standard input; score takes lists, URLs and data "
        "sets (dataset:NAME) too",
    )
    add_network_options(parser)
    _add_output_options(parser, reports.FORMATS)


def add_bulk_options(parser: argparse.ArgumentParser) -> None:
    """Add what many photos need."""
    parser.add_argument(
        "--resume", action="store_true", help="go on with what --output has already; nothing is scored twice"
    )
    parser.add_argument(
        "--workers",
        type=read_count,
        metavar="N",
        help="lists: processes that score, with ray actors; else threads that decode and find faces",
    )
    parser.add_argument(
        "--batch",
        type=read_count,
        default=16,
        metavar="B",
        help="lists: photos a process or an actor takes at a time (default: 16)",
    )
    parser.add_argument(
        "--engine",
        choices=("local", "ray"),
        default="local",
        help="lists: what scores; ray is Ray Data, on this machine or a cluster (default: local)",
    )
    parser.add_argument(
        "--address", metavar="ADDRESS", help="of the Ray cluster (default: RAY_ADDRESS, else one on this machine)"
    )
    parser.add_argument("--column", metavar="NAME", help="tables and data sets: the column of paths or pictures")


def read_count(text: str) -> int:
    """Read a whole number from 1, for argparse."""
    if not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1")
    return int(text)


def add_network_options(parser: argparse.ArgumentParser) -> None:
    """Add the choice of checkpoint and device."""
    parser.add_argument("--checkpoint", metavar="NAME", help="default: FIQA_CHECKPOINT, else lite")
    parser.add_argument(
        "--device", type=read_device, help="auto, cpu, cuda, cuda:N or mps (default: FIQA_DEVICE, else auto)"
    )


def add_face_options(parser: argparse.ArgumentParser, *, all_faces: bool = False) -> None:
    """Add the choice of the face that is scored; `all_faces` allows a row for every face."""
    every = "; all for a row for every face" if all_faces else ""
    parser.add_argument(
        "--face",
        type=read_face_or_all if all_faces else read_face,
        default="main",
        metavar="WHICH",
        help=f"{', '.join(FACE_CHOICES)}, or a number from 1, the most prominent (default: main){every}",
    )
    parser.add_argument(
        "--aligned",
        choices=ALIGNED_LAYOUTS,
        help="the photos are square crops in this layout: the face is at a known place and is not searched",
    )


def add_comparison_options(parser: argparse.ArgumentParser) -> None:
    """Add what `fiqa compare` can be asked for."""
    parser.description = (
        "Compares methods by the scores of their photos. Photos of equal name (the suffix does not matter) are "
        "versions of one another; differences are those of the method named later from the one named first. A CSV "
        "lists the photos of several methods in the columns path and method."
    )
    parser.add_argument(
        "inputs", nargs="*", type=Path, metavar="FOLDER", help="the photos of a method: a folder or a zip; or a CSV"
    )
    parser.add_argument("--reference", type=Path, metavar="FOLDER", help="the undamaged photos: faces are found there")
    parser.add_argument(
        "--measures", type=Path, metavar="CSV", help="numbers of your own: columns name, method and one a measure"
    )
    add_network_options(parser)
    _add_output_options(parser, comparison.FORMATS)
    parser.add_argument("--no-diagnosis", action="store_true", help="do not say what is wrong with the photos")
    parser.add_argument(
        "--verify", type=Path, metavar="REPORT",
        help="repeat a JSON report and say what differs; name the methods' photos where they have moved",
    )  # fmt: skip


def add_curation_options(parser: argparse.ArgumentParser) -> None:
    """Add what `fiqa curate` can be asked for."""
    parser.description = (
        "Sorts the photos of a folder into keep, maybe and drop. Nothing but a report is written unless --to names a "
        "new folder; originals stay as they are unless they are moved."
    )
    parser.add_argument("folder", nargs="?", type=Path, metavar="FOLDER", help="the photos, searched recursively")
    found = parser.add_argument_group("which threshold (default: where Good begins, unless other rules are given)")
    found.add_argument("--keep-share", type=float, metavar="S", help="the share of the photos to keep, above 0 up to 1")
    found.add_argument("--threshold", type=float, metavar="T", help="the score from which photos are kept")
    found.add_argument("--percentile", type=float, metavar="P", help="0 to 100, of the photos named with --of")
    found.add_argument("--of", type=Path, metavar="FOLDER", help="a reference set")
    found.add_argument(
        "--examples", nargs=2, type=Path, metavar=("GOOD", "BAD"), help="two text files, a photo's path on every line"
    )
    rules = parser.add_argument_group("other rules")
    rules.add_argument("--best-of", type=int, metavar="N", help="keep at most N of each folder, or of each person")
    rules.add_argument("--persons", type=Path, metavar="CSV", help="who is on a photo: columns path and person")
    rules.add_argument(
        "--persons-by-face", action="store_true", help="tell persons by their faces; needs the extra identity"
    )
    rules.add_argument("--near-duplicates", action="store_true", help="keep the best of photos that look alike")
    rules.add_argument("--without", nargs="+", metavar="NAME", help="drop photos with a degradation: blur, jpeg, …")
    placed = parser.add_argument_group("what happens to the photos (default: nothing)")
    placed.add_argument("--to", type=Path, metavar="OUT", help="a new folder for them; with --by list, a file")
    placed.add_argument("--by", choices=curation.PLACINGS, help="default: copy; link is a hard link")
    placed.add_argument("--take", nargs="+", choices=curation.TAKEN, default=["keep"], help="default: keep")
    placed.add_argument("--undo", type=Path, metavar="OUT", help="put back what was placed there")
    add_network_options(parser)
    _add_output_options(parser, curation.FORMATS)
    parser.add_argument("--contact-sheet", type=Path, metavar="FILE", help="write a page of small pictures, HTML")
    parser.add_argument("--to-parquet", type=Path, metavar="FILE", help="write all columns as Apache Parquet")


def add_audit_options(parser: argparse.ArgumentParser) -> None:
    """Add what `fiqa audit` can be asked for."""
    parser.description = (
        "Does the same damage to the faces of many people and compares scores by group: columns of a CSV, and skin "
        "tone, pose and face size as measured. The photos should be clean, and taken alike in all groups."
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="the photos, searched to its bottom")
    parser.add_argument("--groups", type=Path, metavar="CSV", help="columns image, person, and one for each grouping")
    measured = ", ".join(audit.MEASURED)
    only = f"compare by these columns only (default: all of the CSV, and {measured})"
    parser.add_argument("--group-columns", metavar="A,B", help=only)
    usual = list(audit.DAMAGES)
    done = f"damage to do, for example blur:0.5 (default: {' '.join(usual)})"
    parser.add_argument("--damage", nargs="+", default=usual, metavar="NAME:SEVERITY", help=done)
    add_network_options(parser)
    _add_output_options(parser, audit.FORMATS)
    parser.add_argument("--figure", type=Path, metavar="FILE", help="draw the groups as .png or .svg")


def add_report_options(parser: argparse.ArgumentParser) -> None:
    """Add what `fiqa report` can be asked for."""
    parser.description = (
        "Tells of scores that fiqa score wrote: their spread, the groups of any column, the worst and best photos, and "
        "how another set differs."
    )
    parser.add_argument("scores", type=Path, metavar="SCORES", help="a .parquet, .csv, .jsonl or .json file")
    parser.add_argument("--against", type=Path, metavar="SCORES", help="a second set: how it differs from the first")
    parser.add_argument(
        "--by", nargs="+", metavar="COLUMN", help="columns to slice by (default: those beside the scores, and folder)"
    )
    _add_output_options(parser, dataset_report.FORMATS)


def add_video_options(parser: argparse.ArgumentParser) -> None:
    """Add what `fiqa video` can be asked for."""
    parser.description = (
        "Scores the faces of a clip, one frame every so often, and follows each over time. Who leaves the picture and "
        "comes back is a new person: faces are not recognised."
    )
    parser.add_argument("clip", type=Path, metavar="CLIP", help="MP4, MOV, WebM, MKV, AVI …")
    parser.add_argument("--every", type=float, default=0.5, metavar="S", help="seconds between frames (default: 0.5)")
    add_network_options(parser)
    _add_output_options(parser, video.FORMATS)
    parser.add_argument("--timeline", type=Path, metavar="FILE", help="draw the scores over time, .png or .svg")
    parser.add_argument("--best-frames", type=Path, metavar="FOLDER", help="write the best frames there, as PNG")
    parser.add_argument("--best", type=int, default=3, metavar="N", help="how many of them (default: 3)")


def _add_output_options(parser: argparse.ArgumentParser, formats: Iterable[str]) -> None:
    """Add where the answer goes, None for standard output, and how it is written."""
    parser.add_argument("--format", choices=formats, help="default: by the suffix of --output, else table")
    parser.add_argument(
        "--output", type=read_output, metavar="FILE", help="write there instead of to standard output, which is -"
    )


def read_output(name: str) -> Path | None:
    """Read the name of a file, None for `-`, for argparse."""
    return None if name == "-" else Path(name)


def read_face(text: str) -> FaceChoice:
    """Read the choice of a face, for argparse."""
    try:
        return read_face_choice(text)
    except SettingError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def read_face_or_all(text: str) -> FaceChoice:
    return text if text == ALL_FACES else read_face(text)


def read_device(name: str) -> str:
    """Read the name of a device, for argparse."""
    if not DEVICES.fullmatch(name):
        raise argparse.ArgumentTypeError(f"{name!r} is none of auto, cpu, cuda, cuda:N, mps")
    return name
