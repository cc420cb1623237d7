"""The command line of labelling studies: `python -m annotate …`, `fiqa-annotate …` once installed.

Results go to standard output, as text or, with --json, as JSON; warnings, progress and errors, one line each, to
standard error. Files, pipes and JSON are in UTF-8 whatever the system's encoding is; a terminal that lacks a character
gets a question mark. The exit status is 0 when all went well, 1 when something could not be done, 2 when the command
was not understood and 130 after Ctrl-C. Whoever runs it owns the studies: it reads the database directly.

Nothing heavy is imported before it is needed, so that `--help` is instant.
"""

import argparse
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import NoReturn

from annotate.cli.complaints import add_complaints
from annotate.cli.database import add_database
from annotate.cli.exports import add_exports
from annotate.cli.output import complain, one_line
from annotate.cli.panels import add_panels
from annotate.cli.results import add_results
from annotate.cli.studies import add_making, add_states
from annotate.errors import AnnotateError
from annotate.owners import acting_as
from annotate.settings import Settings

INTERRUPTED = 130
INSTALLED = "fiqa-annotate"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # libraries warn of damaged metadata and of things only a developer can change
    if sys.stderr is None:  # closed, as by `2>&-`
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  until the end
    if sys.stdout is None:
        complain("Standard output is closed; nothing was done.")
        return 1
    options = _parser().parse_args(arguments)
    _set_encoding(as_json=options.json)
    return _carry_out(options)


def _carry_out(options: argparse.Namespace) -> int:
    """Run the command; say in one line what went wrong."""
    try:
        with acting_as("command line"):
            options.run(options, Settings.from_environment())
        sys.stdout.flush()
    except AnnotateError as error:
        complain(str(error))
    except ModuleNotFoundError as error:
        if str(error.name).startswith(("annotate", "fiqa")):
            raise
        complain(f"The package {error.name} is missing: pip install 'fiqa[annotate]'")
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _discard_output()  # the reader of a pipe left, as `head` does
    except OSError as error:
        _discard_output()
        complain(f"The result cannot be written: {error.strerror or error}.")
    else:
        return 0
    return 1


def _set_encoding(*, as_json: bool) -> None:
    """Write UTF-8 but to a terminal; there, a character that it lacks is replaced.

    Halves of characters, as file names may have, become escapes, which JSON knows.
    """
    if isinstance(sys.stdout, TextIOWrapper):
        if as_json or not sys.stdout.isatty():
            sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
        else:
            sys.stdout.reconfigure(errors="replace")


def _discard_output() -> None:
    """Let the interpreter's own last flush of standard output go nowhere, where it would fail once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Complain in one line, as everything else here does, and not with the whole usage."""
        self.exit(2, f"{self.prog}: {one_line(message)}; see {self.prog} --help\n")


def _parser() -> argparse.ArgumentParser:
    program = Path(sys.argv[0]).stem  # a command that is installed, or __main__
    parser = _Parser(
        prog=program if program == INSTALLED else "python -m annotate",
        description="Crowd labelling: who rates which face image, and what that says.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace, Settings], None], says: str) -> argparse.ArgumentParser:
        """Add a command that `run` carries out, and return its parser."""
        added: argparse.ArgumentParser = commands.add_parser(name, help=says, description=says)
        added.add_argument("--json", action="store_true", help="write the result as JSON")
        added.set_defaults(run=run)
        return added

    add_making(command)
    add_states(command)
    add_results(command)
    add_complaints(command)
    add_exports(command)
    add_panels(command)
    add_database(command)
    return parser


if __name__ == "__main__":
    sys.exit(main())
