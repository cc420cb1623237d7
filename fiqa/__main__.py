"""The command line: `fiqa …` once installed, `python -m fiqa …` anywhere.

Results go to standard output; progress and errors, one line each, to standard error. The exit status is 0 when all
went well, 1 when something could not be done, 2 when the command was not understood, 130 after Ctrl-C, 143 after
SIGTERM and 129 after SIGHUP.

Nothing heavy is imported before it is needed, so that `--help` is instant.
"""

import argparse
import json
import math
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from importlib import import_module
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any, NoReturn

from fiqa import reports
from fiqa.chosen_predictor import load_chosen
from fiqa.errors import FiqaError, SettingError
from fiqa.export_command import add_export
from fiqa.faces.face_choice import FaceChoice
from fiqa.maps.face_maps import KINDS
from fiqa.memory import reuse_freed_memory
from fiqa.options import (
    ALL_FACES,
    add_audit_options,
    add_bulk_options,
    add_comparison_options,
    add_curation_options,
    add_face_options,
    add_network_options,
    add_photo_options,
    add_report_options,
    add_video_options,
)
from fiqa.output import check_writable, chosen_format, write_file
from fiqa.reports import ScoredPhoto, one_line
from fiqa.serve_command import add_serve
from fiqa.settings import Settings
from fiqa.stopping import status_of, stopped_by_signals
from fiqa.version import __version__

Formats = Mapping[str, Callable[[Sequence[Any]], str]]
LOSSLESS: dict[str, dict[str, Any]] = {".png": {}, ".tif": {}, ".tiff": {}, ".bmp": {}, ".webp": {"lossless": True}}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch: its idle threads must not hold a busy machine
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # libraries warn of damaged metadata and of things only a developer can change
    reuse_freed_memory()
    _prepare_streams()
    try:
        with stopped_by_signals():
            return _run(arguments)
    except FiqaError as error:
        _complain(str(error))
        return 1
    except KeyboardInterrupt as stop:
        return status_of(stop)
    except BrokenPipeError:  # the reader of a pipe left, as `head` does
        _abandon_standard_output()
        return 1
    except OSError as error:
        _abandon_standard_output()
        _complain(f"{error.filename or 'standard output'} cannot be written or read: {error.strerror or error}")
        return 1


def _run(arguments: Sequence[str] | None) -> int:
    try:
        options = _parser().parse_args(arguments)
        options.settings = Settings.from_environment()  # here alone: commands are given them
        status: int = options.run(options)
        return status
    finally:
        if sys.stdout is not None:
            sys.stdout.flush()


def _prepare_streams() -> None:
    """Make sure that nothing fails for a letter that a terminal lacks, or for a standard error that is closed."""
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  it stays open to the end
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def _abandon_standard_output() -> None:
    """Let the interpreter's own last flush go nowhere, so that it does not fail once more."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Complain in one line, as everything else here does, and not with the whole usage."""
        self.exit(2, f"{self.prog}: {one_line(message).removesuffix('.')}; see {self.prog} --help\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="fiqa", description="Face image quality: how good is the picture of this face?")
    parser.add_argument("--version", action="version", version=f"fiqa {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_score(commands.add_parser("score", help="score photos, folders of photos and patterns"))
    _add_checkpoints(commands.add_parser("checkpoints", help="list the checkpoints, or fetch one"))
    _add_degradation(commands.add_parser("degradation", help="say how photos were degraded"))
    _add_degrade(commands.add_parser("degrade", help="apply a synthetic degradation to a photo"))
    _add_attention(commands.add_parser("attention", help="show where in a face the network looks"))
    _add_evaluate(commands.add_parser("evaluate", help="run the official protocol on a labelled data set"))
    _add_compare(commands.add_parser("compare", help="compare methods by the scores of their photos"))
    _add_curate(commands.add_parser("curate", help="sort photos into keep, maybe and drop"))
    _add_report(commands.add_parser("report", help="tell of scores of many photos: spread, slices, drift, examples"))
    _add_audit(commands.add_parser("audit", help="compare groups of people by the scores of their photos"))
    _add_video(commands.add_parser("video", help="score the faces of a clip over time"))
    add_export(commands.add_parser("export", help="write a checkpoint as ONNX, or as a page that scores by itself"))
    add_serve(commands.add_parser("serve", help="serve the app in a browser, set up by FIQA_… variables"))
    return parser


def _command_of(module: str) -> Callable[[argparse.Namespace], int]:
    """Return what runs a command that has a module of its own, which is imported then."""
    return lambda options: int(import_module(module).run(options))


def _add_score(parser: argparse.ArgumentParser) -> None:
    add_photo_options(parser)
    add_face_options(parser, all_faces=True)
    add_bulk_options(parser)
    parser.set_defaults(run=_score)


def _add_degradation(parser: argparse.ArgumentParser) -> None:
    add_photo_options(parser)
    add_face_options(parser)
    parser.set_defaults(run=_degradation)


def _add_checkpoints(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=("table", "json"), default="table", help="default: table")
    parser.set_defaults(run=_checkpoints)
    actions = parser.add_subparsers(metavar="fetch")
    fetch = actions.add_parser("fetch", help="fetch a checkpoint from where its authors published it")
    fetch.add_argument("name", metavar="NAME", help="one of the names in the list")
    fetch.set_defaults(run=_fetch)


def _add_degrade(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("photo", type=Path, metavar="PHOTO", help="a file, or - for standard input")
    parser.add_argument("--type", required=True, metavar="NAME", help="kind of degradation, for example jpeg")
    parser.add_argument("--severity", required=True, type=float, metavar="S", help="0 (unchanged) to 1 (barely usable)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="random seed, 0 or more (default: 0)")
    parser.add_argument("--output", required=True, type=Path, metavar="FILE", help=f"one of {', '.join(LOSSLESS)}")
    parser.set_defaults(run=_degrade)


def _add_attention(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("photo", type=Path, metavar="PHOTO", help="a file, or - for standard input")
    parser.add_argument(
        "--map", choices=KINDS, default="contribution", metavar="NAME", help=f"one of {', '.join(KINDS)}"
    )
    parser.add_argument("--block", type=int, metavar="N", help="of attention, counted from 1 (default: the last)")
    add_face_options(parser)
    parser.add_argument("--colour-map", metavar="NAME", help="of Matplotlib, perceptually uniform: viridis, magma, …")
    add_network_options(parser)
    parser.add_argument(
        "--output", required=True, type=Path, metavar="FILE",
        help=".png for a figure; .npy for float32, height x width of the photo, NaN where the network did not look",
    )  # fmt: skip
    parser.set_defaults(run=_attention)


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Repeats the authors' protocol (20 random crops of each picture as it is), for numbers to put beside published "
        "ones. To measure what users get, with intervals and by group, run python -m training.evaluate in a clone."
    )
    add_network_options(parser)
    parser.add_argument("--data", required=True, type=Path, metavar="FOLDER", help="the data set, for example CGFIQA")
    parser.add_argument("--output", type=Path, default=Path("result"), metavar="FOLDER", help="default: result")
    parser.set_defaults(run=_evaluate)


def _add_compare(parser: argparse.ArgumentParser) -> None:
    add_comparison_options(parser)
    parser.set_defaults(run=_command_of("fiqa.comparison.command"))


def _add_curate(parser: argparse.ArgumentParser) -> None:
    add_curation_options(parser)
    parser.set_defaults(run=_command_of("fiqa.curation.command"))


def _add_video(parser: argparse.ArgumentParser) -> None:
    add_video_options(parser)
    parser.set_defaults(run=_command_of("fiqa.video.command"))


def _add_report(parser: argparse.ArgumentParser) -> None:
    add_report_options(parser)
    parser.set_defaults(run=_command_of("fiqa.dataset_report.command"))


def _add_audit(parser: argparse.ArgumentParser) -> None:
    add_audit_options(parser)
    parser.set_defaults(run=_command_of("fiqa.audit.command"))


def _score(options: argparse.Namespace) -> int:
    from fiqa.bulk import command as bulk

    every = options.face == ALL_FACES
    which = {"face": 1 if every else options.face, "aligned": options.aligned}
    if bulk.is_bulk(options):
        return bulk.run(options)
    if options.workers:
        which["workers"] = options.workers
    formats: Formats = {
        **reports.FORMATS,  # JSON has every face anyway
        **({name: _by_face(reports.FORMATS[name]) for name in ("table", "csv")} if every else {}),
    }
    return _answer(options, lambda predictor: partial(predictor.score_many, **which), ScoredPhoto, formats)


def _by_face(write: Callable[[Sequence[ScoredPhoto]], str]) -> Callable[[Sequence[ScoredPhoto]], str]:
    return lambda photos: write(reports.each_face(photos))


def _degradation(options: argparse.Namespace) -> int:
    from fiqa.degradation import diagnosis
    from fiqa.degradation.atlas_building import open_atlas

    def with_atlas(predictor: Any) -> Any:
        atlas = open_atlas(predictor, options.settings, progress=sys.stderr.isatty())
        return partial(diagnosis.diagnose_many, predictor, atlas, face=options.face, aligned=options.aligned)

    return _answer(options, with_atlas, diagnosis.DiagnosedPhoto, diagnosis.FORMATS)


def _answer(
    options: argparse.Namespace, prepare: Callable[[Any], Any], entry: Callable[[str, Any], Any], formats: Formats
) -> int:
    """Answer for every photo asked about, in one of the formats.

    `prepare` takes the predictor and returns what maps photos to outcomes, some of them errors; `entry` joins the two.
    """
    from fiqa.photos.sources import find_photos, read_photos

    output = options.output
    write = formats[chosen_format(options.format, output, formats)]
    found = find_photos(options.paths)
    if output:
        check_writable(output, found.paths)
    for trouble in found.troubles:
        _complain(trouble)
    if remark := found.remark():
        _complain(remark)
    answers = prepare(_predictor(options))
    photos: list[Any] = []
    stopped = 0
    try:
        outcomes = zip(found.paths, answers(read_photos(found.paths)), strict=True)
        photos.extend(entry(*each) for each in _with_progress(outcomes, len(found.paths)))
    except KeyboardInterrupt as stop:
        # What is done of a long run is kept: extend() has added each photo as it came.
        _complain(f"interrupted after {len(photos)} of {len(found.paths)} photos")
        stopped = status_of(stop)
    if photos or not stopped:  # what an earlier run wrote is not exchanged for nothing
        _write(write(photos), output)
    bad = found.troubles or any(isinstance(photo.outcome, FiqaError) for photo in photos)
    return stopped or int(bool(bad))


def _predictor(options: argparse.Namespace) -> Any:
    """Return the predictor that the options and the environment name."""
    return load_chosen(options.settings, checkpoint=options.checkpoint, device=options.device)


def _with_progress(answered: Iterable[tuple[str, Any]], total: int) -> Iterator[tuple[str, Any]]:
    """Pass photos and outcomes on, with a bar on a terminal and a line for each that failed."""
    from tqdm import tqdm

    bar = tqdm(answered, total=total, unit="photo", disable=None)  # None: only on a terminal
    for path, outcome in bar:
        if isinstance(outcome, FiqaError):
            with suppress(OSError):  # standard error may be full or gone
                bar.write(f"{one_line(path)}: {one_line(str(outcome))}", file=sys.stderr)
        yield path, outcome


def _checkpoints(options: argparse.Namespace) -> int:
    from fiqa.checkpoints import describe_checkpoints

    checkpoints = describe_checkpoints()
    if options.format == "json":
        _write(json.dumps(checkpoints, indent=1) + "\n")
        return 0
    columns = ("name", "present", "parameters", "gflops", "licence", "title")
    rows = [columns, *(tuple(_cell(each[column]) for column in columns) for each in checkpoints)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(columns))]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    _write("\n".join(lines) + "\n")
    return 0


def _cell(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value / 1e6:.2f} M"
        case float():
            return f"{value:.2f}"
    return "–" if value is None else str(value)


def _fetch(options: argparse.Namespace) -> int:
    from fiqa.loading import fetch_checkpoint

    _write(f"{fetch_checkpoint(options.name)}\n")
    return 0


def _degrade(options: argparse.Namespace) -> int:
    from PIL import Image

    from fiqa.degradation.synthetic import degrade
    from fiqa.photos.images import decode_photo

    suffix = options.output.suffix.lower()
    if suffix not in LOSSLESS:
        raise SettingError(
            f"--output must end in one of {', '.join(LOSSLESS)}: others would degrade the photo once more."
        )
    check_writable(options.output, [options.photo])
    photo = degrade(decode_photo(_source(options.photo)).pixels, [(options.type, options.severity)], seed=options.seed)
    buffer = BytesIO()
    Image.fromarray(photo).save(buffer, Image.registered_extensions()[suffix], **LOSSLESS[suffix])
    _write(buffer.getvalue(), options.output)
    return 0


def _source(photo: Path) -> Path | bytes:
    from fiqa.photos.sources import STANDARD_INPUT, read_standard_input

    return read_standard_input() if str(photo) == STANDARD_INPUT else photo


def _attention(options: argparse.Namespace) -> int:
    suffix = options.output.suffix.lower()
    if suffix not in (".png", ".npy"):
        raise SettingError("--output must end in .png for a figure or in .npy for the values.")
    check_writable(options.output, [options.photo])
    from fiqa.maps.explain import explain
    from fiqa.maps.figures import array_file, colour_scale, figure_png
    from fiqa.photos.images import decode_photo

    photo = decode_photo(_source(options.photo)).pixels
    predictor = _predictor(options)
    face_map = explain(
        predictor, photo, options.map,
        block=options.block, face=options.face, aligned=options.aligned, progress=sys.stderr.isatty(),
    )  # fmt: skip
    scale = colour_scale([face_map], predictor.spec.score_range, options.colour_map)
    heading = f"{options.photo.name}, {_named(options.face)}, {predictor.spec.name}"
    figure = suffix == ".png"
    _write(figure_png(photo, face_map, scale, heading) if figure else array_file(face_map), options.output)
    return 0


def _named(face: FaceChoice) -> str:
    return f"face {face}" if isinstance(face, int) else f"{face} face"


def _evaluate(options: argparse.Namespace) -> int:
    from fiqa.evaluation.official_protocol import run_official_protocol

    settings = options.settings
    metrics = run_official_protocol(
        options.checkpoint or settings.checkpoint,
        options.data,
        device=options.device or settings.device,
        output=options.output,
        progress=sys.stderr.isatty(),
    )
    # A correlation with labels or scores that are all equal is undefined.
    shown = {name: f"{value:.4f}" if math.isfinite(value) else "undefined" for name, value in metrics.items()}
    _write("".join(f"{name:6} {value}\n" for name, value in shown.items()))
    return 0


def _write(content: str | bytes, path: Path | None = None) -> None:
    """Write to a file or to standard output: in UTF-8, or to a terminal in the letters that it has."""
    data = content.encode("utf-8", errors="surrogateescape") if isinstance(content, str) else content
    if path:
        write_file(path, data)
    elif sys.stdout is None:
        raise SettingError("Standard output is closed: open it, or name a file with --output.")
    elif isinstance(content, str) and sys.stdout.isatty():
        sys.stdout.write(content.encode("utf-8", errors="replace").decode("utf-8"))
    else:
        sys.stdout.buffer.write(data)


def _complain(message: str) -> None:
    with suppress(OSError):  # standard error may be full or gone
        print(f"fiqa: {one_line(message)}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
