"""A report of scores as one HTML page that needs nothing else, in the frame of a comparison's."""

from collections.abc import Iterator, Sequence
from importlib.resources import files

from markupsafe import Markup

from fiqa.comparison.page import render_page
from fiqa.dataset_report import reports
from fiqa.dataset_report.figures import histogram, means
from fiqa.dataset_report.summary import DatasetReport, Example
from fiqa.errors import FiqaError
from fiqa.photos.images import decode_photo
from fiqa.photos.thumbnails import thumbnail_uri


def to_html(report: DatasetReport) -> str:
    """Return the page; photos that can be read where their path leads are shown."""
    return render_page(
        (files("fiqa.dataset_report") / "page.html.j2").read_text(encoding="utf-8"),
        report=report,
        sets=reports.set_rows(report),
        set_heads=reports.set_heads(report),
        quantiles=reports.quantile_rows(report),
        quantile_heads=reports.quantile_heads(report),
        drift=reports.drift_rows(report),
        drift_heads=reports.DRIFT_HEADS,
        histogram=Markup(histogram(report.scores, report.score_range)),  # noqa: S704  our own SVG
        slices=[
            (name, reports.slice_heads(name), reports.slice_rows(groups), Markup(means(name, groups)))  # noqa: S704
            for name, groups in report.slices.items()
        ],
        ends=[("Worst", [*_shown(report.worst)]), ("Best", [*_shown(report.best)])],
        footnotes=reports.footnotes(report),
    )


def _shown(photos: Sequence[Example]) -> Iterator[tuple[Example, str | None]]:
    """Yield each photo with its face as a data URI, None where it cannot be read here."""
    for each in photos:
        try:
            pixels = decode_photo(each.path).pixels
        except FiqaError:  # elsewhere, inside an archive, or gone since it was scored
            yield each, None
            continue
        height, width = pixels.shape[:2]
        yield each, thumbnail_uri(pixels, each.box_xyxy or (0.0, 0.0, float(width), float(height)))
