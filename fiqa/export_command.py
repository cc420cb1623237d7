"""The command `fiqa export`: a checkpoint as ONNX files, or as a page that scores in the browser."""

import argparse
from pathlib import Path


def add_export(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to its parser."""
    parser.add_argument("checkpoint", nargs="?", default="lite", metavar="NAME", help="default: lite")
    parser.add_argument("--format", choices=("onnx", "page"), default="onnx", help="default: onnx")
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="default: the name with -onnx or -page")
    parser.add_argument("--no-int8", action="store_true", help="onnx: leave the copy in 8 bits out")
    add_runtime_option(parser)
    parser.set_defaults(run=run)


def add_runtime_option(parser: argparse.ArgumentParser) -> None:
    """Add where the page gets ONNX Runtime from."""
    parser.add_argument(
        "--runtime", type=Path, metavar="FILE", help="page: npm's archive of onnxruntime-web (default: npm fetches it)"
    )


def run(options: argparse.Namespace) -> int:
    """Write the folder and say what is in it; raise FiqaError where that cannot be."""
    folder = options.output or Path(f"{Path(options.checkpoint).name}-{options.format}")
    if options.format == "page":
        return _export_page(options, folder)
    from fiqa.onnx.export import export_onnx

    card = export_onnx(options.checkpoint, folder, int8=not options.no_int8)
    print(f"{folder}: ONNX opset {card.opset}")
    if card.int8:
        print("int8 beside it: " + ", ".join(f"{name} {value}" for name, value in card.int8.items()))
    return 0


def _export_page(options: argparse.Namespace, folder: Path) -> int:
    from fiqa.in_browser.building import build_page

    build_page(options.checkpoint, folder, runtime=options.runtime)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"{folder}: a page of {size / 2**20:.0f} MiB; serve it with any web server")
    return 0
