"""What the app uses of Gradio beyond what Gradio promises is still there; each test says what breaks without it."""

import asyncio
import inspect
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import gradio as gr
import pytest
from gradio import component_meta, queueing
from gradio.events import EventListener
from gradio.routes import App
from gradio.state_holder import SessionState, StateHolder

from fiqa_app import gradio_internals as internals
from fiqa_app.gradio_internals import Page


@pytest.fixture
def page() -> Page:
    """A page with one event of two inputs."""
    page = Page()
    with page:
        photo, face = gr.Textbox(), gr.Textbox("main")
        gr.Button().click(lambda *_: None, [photo, face], None)
    page.queue()
    return page


@pytest.fixture
def app(page: Page) -> App:
    """What of Gradio's application is used: the page, and the state of one visitor."""
    holder = StateHolder()  # type: ignore[no-untyped-call]  # Gradio's
    holder.set_blocks(page)
    assert not holder["visit"].is_closed
    return cast("App", SimpleNamespace(state_holder=holder, get_blocks=lambda: page))


@pytest.mark.parametrize(
    ("sent", "read"),
    [([], ["", "main"]), (["a.png"], ["a.png", "main"]), (["a.png", "largest"], ["a.png", "largest"])],
)
def test_else_raw_requests_with_fewer_inputs_fail(page: Page, sent: list[str], read: list[str]) -> None:
    (event,) = page.fns.values()
    with ThreadPoolExecutor() as thread:  # the tests in a browser leave an event loop running in this one
        completed = thread.submit(lambda: asyncio.run(page.preprocess_data(event, sent, None))).result()
    assert [each or "" for each in completed] == read


def test_else_inputs_are_not_read_through_the_page(page: Page) -> None:
    assert inspect.signature(Page.preprocess_data).parameters.keys() == (
        inspect.signature(gr.Blocks.preprocess_data).parameters.keys()
    )
    assert "preprocess_data(" in inspect.getsource(gr.Blocks.process_api)


def test_else_metrics_and_the_limit_of_each_visitor_know_no_queue(page: Page) -> None:
    assert (internals.count_waiting(page), internals.queued_events(page)) == (0, [])
    assert {"fn", "request"} <= inspect.signature(queueing.Event).parameters.keys()


def test_else_the_queue_takes_note_of_every_event(page: Page) -> None:
    assert "ANALYTICS_MAX_EVENTS" in inspect.getsource(queueing.Queue)
    internals.keep_no_statistics(page)
    assert cast("Any", page)._queue.ANALYTICS_MAX_EVENTS == 0


def test_else_an_app_that_nobody_uses_takes_a_twentieth_of_a_processor(page: Page) -> None:
    loops = inspect.getsource(queueing.Queue)
    internals.look_for_work_less_often(page)
    queue = cast("Any", page)._queue
    for name, seconds in (("sleep_when_free", 0.01), ("progress_update_sleep_when_free", 0.1)):
        assert f"asyncio.sleep(self.{name})" in loops
        assert getattr(queue, name) == seconds


def test_else_type_stubs_and_docstrings_are_written_at_each_start() -> None:
    made = inspect.getsource(component_meta.ComponentMeta)
    for name, function in (
        ("create_or_modify_pyi", component_meta.create_or_modify_pyi),
        ("set_doc", EventListener.set_doc),
    ):
        assert f"{name}(" in made
        assert function.__module__ == "fiqa_app.gradio_import"


def test_else_an_application_is_made_at_each_step_of_the_layout(page: Page) -> None:
    assert isinstance(page.app, App)
    assert cast("Any", internals.without_applications(page.queue)()).app is None
    assert isinstance(page.queue().app, App)


def test_else_browsers_are_told_schemas_that_no_program_needs(page: Page) -> None:
    with page:
        hidden = gr.Gallery()
        gr.Button().click(lambda _: None, hidden, None, api_visibility="private")
    told = {each["id"]: each for each in page.get_config_file()["components"]}
    (offered, _) = page.fns.values()
    assert all("api_info" in told[each._id] for each in offered.inputs)
    assert "api_info" not in told[hidden._id]
    assert not told[hidden._id]["skip_api"]
    assert page.get_config_file()["components"] is page.get_config_file()["components"]


def test_else_what_pages_have_shown_stays_in_memory(app: App) -> None:
    visit = app.state_holder["visit"]
    (shown, *_) = [number for number in visit.blocks_config.blocks if number in app.get_blocks().blocks]
    visit._update_value_in_config(shown, "shown")
    assert not any(visit.config_values.values())
    assert visit.blocks_config.fns == app.get_blocks().fns
    assert "self.blocks_config.config_for_block(" in inspect.getsource(SessionState)


def test_else_the_names_of_uploads_stay_in_memory(app: App, page: Page) -> None:
    page.temp_file_sets.append({"photo.png"})
    internals.forget_uploads(app)
    assert not any(page.temp_file_sets)


def test_else_sessions_that_wait_for_nothing_stay_in_the_queue(app: App) -> None:
    queue = cast("Any", app.get_blocks())._queue
    queue.pending_event_ids_session["gone"] = set()
    queue.pending_event_ids_session["visit"] = set()
    internals.forget_who_waited(app)
    assert set(queue.pending_event_ids_session) == {"visit"}
    assert hasattr(queue, "pending_messages_per_session")


def test_else_closed_pages_are_kept_for_an_hour(app: App) -> None:
    holder = app.state_holder
    internals.forget_closed(app, after=timedelta(minutes=2))
    assert "visit" in holder.session_data
    holder["visit"].is_closed = True
    holder.time_last_used["visit"] = datetime.now() - timedelta(minutes=3)  # noqa: DTZ005  as Gradio notes it
    internals.forget_closed(app, after=timedelta(minutes=2))
    assert "visit" not in holder.session_data
