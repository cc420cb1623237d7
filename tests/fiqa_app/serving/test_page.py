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
