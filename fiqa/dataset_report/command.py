"""What `fiqa report SCORES` does with its options."""

import argparse
import sys
from pathlib import Path

from fiqa.dataset_report import FORMATS
from fiqa.errors import SettingError
from fiqa.output import check_writable, write_file


def run(options: argparse.Namespace) -> int:
    """Tell of a set of scores, and of how another differs from it; return the exit status. Raises FiqaError."""
    output = None if options.output in (None, Path("-")) else options.output
    form = _chosen_format(options.format, output)
    if output:
        check_writable(output, [each for each in (options.scores, options.against) if each])
    from fiqa.dataset_report import reports
    from fiqa.dataset_report.inputs import read_scores
    from fiqa.dataset_report.page import to_html
    from fiqa.dataset_report.summary import summarise

    second = read_scores(options.against) if options.against else None
    report = summarise(read_scores(options.scores), second, options.by)
    write = {"table": reports.to_table, "json": reports.to_json, "html": to_html}[form]
    data = write(report).encode("utf-8", errors="surrogateescape")
    if output is None:
        sys.stdout.buffer.write(data)
    else:
        write_file(output, data)
    return 0


def _chosen_format(asked: str | None, output: Path | None) -> str:
    suffix = output.suffix.removeprefix(".").lower() if output else ""
    if asked or suffix in FORMATS:
        return asked or suffix
    if suffix not in ("", "txt"):
        raise SettingError(f"{output} would not hold what its suffix says: end it in .html or .json, or say --format.")
    return "table"
