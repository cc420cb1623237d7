"""What `fiqa report SCORES` does with its options."""

import argparse
import sys

from fiqa.dataset_report import FORMATS
from fiqa.output import check_writable, chosen_format, write_file


def run(options: argparse.Namespace) -> int:
    """Tell of a set of scores, and of how another differs from it; return the exit status. Raises FiqaError."""
    output = options.output
    form = chosen_format(options.format, output, FORMATS)
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
