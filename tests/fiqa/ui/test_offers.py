"""What is offered happens in the browser alone; tests/browser/test_degradation_page.py looks at it."""

import gradio as gr

from fiqa.ui.offers import build_offer, connect_offer


def test_nothing_is_put_into_a_tray_but_by_a_click_and_nothing_by_the_server() -> None:
    with gr.Blocks() as page:
        tray, other, chosen = gr.Gallery(), gr.Gallery(), gr.UploadButton(file_count="multiple")
        offer = build_offer("offer")
        connect_offer(offer, tray, [other, chosen], gr.State())
    named, taken = page.fns.values()
    assert offer.visible is False
    assert named.outputs == [offer]
    assert taken.outputs == [tray]
    assert [event for _, event in taken.targets] == ["click"]
    assert named.fn is None
    assert taken.fn is None


def test_what_the_server_puts_into_a_tray_is_offered_with_the_photos_of_all_tabs() -> None:
    with gr.Blocks() as page:
        tray, other, photos, offer = gr.Gallery(), gr.Gallery(), gr.State(), build_offer("offer")
        connect_offer(offer, tray, [other], photos)
    named, _ = page.fns.values()
    assert named.targets == [(each._id, "change") for each in (tray, other, photos)]
