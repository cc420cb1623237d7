"""A curation as one HTML page of small pictures, by verdict; it needs no network.

Names of photos are escaped by Jinja. Pictures are cut when the page is made, so they cost a decode each.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

from fiqa.curation.curation import Curation
from fiqa.curation.reports import footnotes, of_verdicts
from fiqa.curation.rules import VERDICTS, SortedPhoto
from fiqa.errors import FiqaError
from fiqa.photos.images import decode_photo
from fiqa.photos.thumbnails import thumbnail_uri

if TYPE_CHECKING:
    from jinja2 import Template

Watch = Callable[[Sequence[SortedPhoto]], Iterable[SortedPhoto]]


def to_html(curation: Curation, *, watch: Watch = iter) -> str:
    """Return the page: verdict by verdict, the best first; `watch` sees the photos pass."""
    pictures = dict(_pictures(curation, watch))
    sections = [
        (verdict, sorted(photos, key=lambda photo: -(photo.facts.score or 0.0)))
        for verdict in VERDICTS
        if (photos := of_verdicts(curation, [verdict]))
    ]
    return _template().render(
        curation=curation, sections=sections, pictures=pictures, footnotes=footnotes(curation), stamp=curation.stamp
    )


def _pictures(curation: Curation, watch: Watch) -> Iterator[tuple[str, str]]:
    """Yield the name of each photo that can be read, and its face as a data URI."""
    for photo in watch(curation.photos):
        face = photo.facts.face
        if face is None:
            continue
        try:
            pixels = decode_photo(curation.folder / photo.name).pixels
        except FiqaError:  # gone since it was scored
            continue
        yield photo.name, thumbnail_uri(pixels, face.box_xyxy)


@lru_cache(maxsize=1)
def _template() -> "Template":
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    page = files("fiqa.curation") / "contact_sheet.html.j2"
    return environment.from_string(page.read_text(encoding="utf-8"))
