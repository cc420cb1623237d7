import re

from fiqa.bundled import bundled
from fiqa.ui.service import PredictorService
from fiqa_app.serving import page


def test_the_footer_names_what_is_at_work_and_what_is_kept(service: PredictorService) -> None:
    footer = page.footer_text(
        page.work_status(service, "first"), kept_minutes=15, kept={"studies": "All is kept & told."}
    )
    assert "first on the CPU" in footer
    assert "Nothing is kept" in footer
    assert "15 minutes" in footer
    assert '<p data-tab="studies">All is kept &amp; told.</p>' in footer


def test_the_footer_says_so_when_a_checkpoint_cannot_be_loaded(service: PredictorService) -> None:
    assert "could not be loaded (The checkpoint is damaged; fetch it again)" in page.work_status(service, "damaged")


def test_the_page_asks_for_nothing_from_the_network() -> None:
    assert "http://" not in page.HEAD.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in page.HEAD
    assert not page.build_theme()._stylesheets


def test_gradio_gives_no_rule_of_the_style_more_weight_than_it_has_as_written() -> None:
    style = re.sub(r"/\*.*?\*/", "", bundled("style.css").read_text(encoding="utf-8"), flags=re.DOTALL)
    selectors = [found.strip() for found in re.findall(r"([^{};]+)\{", style)]
    assert len(selectors) > 500
    comma_in_parentheses = re.compile(r"\([^()]*(?:\([^()]*\)[^()]*)*,")
    assert [each for each in selectors if comma_in_parentheses.search(each) and not each.startswith("@")] == []


def test_gradio_drops_no_rule_for_small_screens() -> None:
    """In @media it leaves only rules for what is inside the page's contents."""
    style = bundled("style.css").read_text(encoding="utf-8")
    in_media = "".join(re.findall(r"^@media[^{]+\{\n(.*?)^\}", style, flags=re.DOTALL | re.MULTILINE))
    assert in_media.count("{") > 40
    assert re.findall(r"^ *(?:html|body|:root|\.gradio-container).*", in_media, flags=re.MULTILINE) == []
