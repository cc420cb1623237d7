"""The command `fiqa export`."""

import argparse
from pathlib import Path


def add_export(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to its parser."""
    parser.add_argument("checkpoint", nargs="?", default="lite", metavar="NAME", help="default: lite")
    parser.add_argument("--format", choices=("onnx",), default="onnx", help="default: onnx")
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="default: the name with -onnx")
    parser.add_argument("--no-int8", action="store_true", help="leave the copy in 8 bits out")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write the folder and say what is in it; raise FiqaError where that cannot be."""
    from fiqa.onnx.export import export_onnx

    folder = options.output or Path(f"{Path(options.checkpoint).name}-onnx")
    card = export_onnx(options.checkpoint, folder, int8=not options.no_int8)
    print(f"{folder}: ONNX opset {card.opset}")
    if card.int8:
        print("int8 beside it: " + ", ".join(f"{name} {value}" for name, value in card.int8.items()))
    return 0
