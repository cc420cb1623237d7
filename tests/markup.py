"""What users write shows as they wrote it: text that would be markup, and whether a panel shows it as text."""

from html.parser import HTMLParser

MARKUP = "<img src=x onerror=alert(1)>\"'${value}{{value}}"
"""Ends an attribute and a text, and means something to the template language of `gr.HTML`."""


class _Reader(HTMLParser):
    """Collects what a browser would show, and names of attributes that would run something."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[str] = []
        self.runs: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.shown += [value or "" for _, value in attrs]
        self.runs += [name for name, value in attrs if name.startswith("on") or value == "x"]

    def handle_data(self, data: str) -> None:
        self.shown.append(data)


def times_shown_as_text(html: str) -> int:
    """Return how often a panel shows MARKUP as text; 0 where any of it is markup or template."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    if reader.runs or "${" in html or "{{" in html:
        return 0
    return sum(shown.count(MARKUP) for shown in reader.shown)
