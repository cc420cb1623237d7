"""Options that several commands share."""

import argparse
from pathlib import Path

from fiqa import reports
from fiqa.errors import SettingError
from fiqa.faces.face_choice import ALIGNED_LAYOUTS, FACE_CHOICES, FaceChoice, read_face_choice
from fiqa.settings import DEVICES

ALL_FACES = "all"
TABLE_SUFFIXES = ("", "txt")


def add_photo_options(parser: argparse.ArgumentParser) -> None:
    """Add what names photos, the network and where the answer goes."""
    parser.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="photo, folder (searched recursively), pattern, or - for standard input",
    )
    add_network_options(parser)
    parser.add_argument("--format", choices=reports.FORMATS, help="default: by the suffix of --output, else table")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write there instead of to standard output")


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
