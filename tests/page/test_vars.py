from typing import Any

import pytest
import reflex as rx
from reflex_base.vars import ArrayVar, BooleanVar, ObjectVar, StringVar, Var

import streamui as ui
from streamui.page.vars import StreamableVar


class PageState(rx.State):
    answer: ui.StreamableValue[str] = ui.StreamableValue("").done()
    rows: ui.StreamableValue[list[dict]] = ui.StreamableValue([]).done()
    tree: ui.StreamableValue[dict[str, int]] = ui.StreamableValue({}).done()
    anything: ui.StreamableValue = ui.StreamableValue(None).done()
    maybe: ui.StreamableValue[str] | None = None
    many: list[ui.StreamableValue[str]] = []
    count: int = 0
    named: dict[str, ui.StreamableValue[str]] = {}

    @ui.server_function
    async def ask(self, question: str):
        yield

    @rx.event
    def plain(self):
        pass

    @rx.event
    def take(self, handle: Any):
        pass


class Card(rx.Component):
    """Somebody's own component, which takes a handle."""

    tag = "Card"
    source: rx.Var[Any]


def hooks(var):
    return [hook for hook in var._get_all_var_data().hooks if "useStreamable" in hook]


@pytest.mark.parametrize(
    ("name", "kind", "empty"),
    [
        ("answer", StringVar, '?? ""'),
        ("rows", ArrayVar, "?? []"),
        ("tree", ObjectVar, "?? ({})"),
        ("anything", Var, ""),
        ("maybe", StringVar, '?? ""'),
    ],
)
def test_the_value_is_a_var_of_its_type_and_empty_before_it_comes(name, kind, empty):
    var = getattr(PageState, name)
    assert isinstance(var, StreamableVar)
    assert isinstance(var.value, kind)
    assert empty in str(var.value)
    assert len(hooks(var.value)) == 1


def test_status_streaming_and_error_are_vars():
    assert isinstance(PageState.answer.status, StringVar)
    assert isinstance(PageState.answer.streaming, BooleanVar)
    assert isinstance(PageState.answer.error, StringVar)
    assert isinstance(PageState.answer.error_code, StringVar)


def test_all_that_is_read_from_one_stream_shares_one_hook():
    together = rx.text(f"{PageState.answer.value} {PageState.answer.status}")
    found = [hook for hook in together._get_all_hooks() if "useStreamable" in hook]
    assert len(found) == 1


def test_an_item_of_a_list_or_dict_in_state_can_be_read():
    assert hooks(PageState.many[0].value)
    assert hooks(PageState.named["a"].status)


def test_cond_match_and_f_strings_take_them():
    answer = PageState.answer
    rx.cond(answer.streaming, rx.text("busy"), rx.text("idle"))
    rx.match(answer.status, ("done", rx.text("d")), rx.text("other"))
    rx.foreach(PageState.rows.value, lambda row: rx.text(row["name"].to(str)))
    assert "stream_" in str(rx.text(f"Answer: {answer.value}"))


@pytest.mark.parametrize("name", ["value", "status", "streaming", "error"])
def test_reading_a_loop_variable_says_what_to_do_instead(name):
    with pytest.raises(ui.PageError, match=r"'item' inside rx\.foreach.*ui\.text"):
        rx.foreach(PageState.many, lambda item: rx.text(f"{getattr(item, name)}"))


def test_a_loop_variable_anywhere_in_the_path_is_refused():
    for loop in (
        lambda item, i: rx.text(PageState.many[i].value),
        lambda item, i: rx.text(PageState.named[f"k{i}"].value),
    ):
        with pytest.raises(ui.PageError, match=r"inside rx\.foreach"):
            rx.foreach(PageState.many, loop)


def test_a_streamable_in_an_f_string_says_what_to_read_instead():
    with pytest.raises(ui.PageError, match=r"\.value, \.status or \.error"):
        f"{PageState.answer}"


@pytest.mark.parametrize(
    "build",
    [
        lambda: rx.text(PageState.answer),
        lambda: rx.el.p("Answer: ", PageState.maybe),
        lambda: rx.badge(PageState.many[0]),
        lambda: rx.markdown(PageState.answer),
        lambda: rx.text(rx.cond(PageState.answer.streaming, PageState.answer, "nothing")),
        lambda: rx.cond(PageState.answer.streaming, PageState.answer, rx.text("nothing")),
        lambda: rx.foreach(PageState.many, lambda item: rx.text(item)),
    ],
)
def test_a_streamable_as_a_child_says_what_to_do_instead(build):
    with pytest.raises(ui.PageError, match=r"State\.answer\.value.*ui\.text\(State\.answer\)"):
        build()


def test_a_memo_components_prop_is_no_child_either():
    @rx.memo
    def wrong(answer: rx.Var[ui.StreamableValue[str]]) -> rx.Component:
        return rx.text(answer)

    with pytest.raises(ui.PageError, match=r"State\.answer\.value"):
        wrong(answer=PageState.answer)


@pytest.mark.parametrize(
    "build",
    [
        lambda: ui.text(PageState.answer),
        lambda: ui.markdown(PageState.answer),
        lambda: ui.status(PageState.answer),
        lambda: rx.text(PageState.answer.value, PageState.answer.streaming),
        lambda: rx.text(PageState.answer.to_string()),
        lambda: rx.el.div(rx.cond(PageState.maybe, ui.text(PageState.maybe), "nothing")),
        lambda: rx.button("Keep", on_click=rx.set_clipboard(PageState.answer.value)),
        lambda: rx.button("Ask", on_click=PageState.take(PageState.answer)),
        lambda: Card.create("a child", source=PageState.answer),
        lambda: Card.create(PageState.count, source=PageState.many),
    ],
)
def test_everything_else_takes_a_streamable_as_before(build):
    assert build().render()


@pytest.mark.parametrize("name", ["tree", "rows", "anything", "maybe"])
def test_an_item_of_a_streamable_is_asked_of_its_value(name):
    with pytest.raises(ui.PageError, match=r"\.value\['p'\]"):
        getattr(PageState, name)["p"]
    assert "p" in str(PageState.tree.value["p"])


def test_components_take_loop_variables():
    rx.foreach(PageState.many, lambda item: ui.text(item))
    rx.foreach(PageState.many, lambda item: ui.status(item))


def test_a_memo_component_may_read_its_own_prop():
    @rx.memo
    def card(answer: rx.Var[ui.StreamableValue[str]]) -> rx.Component:
        return rx.text(answer.value)

    card(answer=PageState.answer)


def test_plain_values_are_taken_too():
    for source in ("text", 5, ui.StreamableValue("x").done(), PageState.many[0]):
        assert "StreamText" in str(ui.text(source).render())


def test_a_status_line_can_be_silenced():
    assert '"aria-live":"off"' in ui.status(PageState.answer, aria_live="off").render()["props"]


def test_a_server_function_is_a_background_event():
    handler = PageState.event_handlers["ask"]
    assert handler.is_background
    assert PageState.ask("why?").args


def test_stop_takes_server_functions_only():
    spec = ui.stop(PageState.ask)
    assert spec.handler.fn.__name__ == "stop_runs"
    assert "page_state.ask" in str(spec.args)
    for wrong in (PageState.plain, "ask", None):
        with pytest.raises(ui.PageError, match="server_function"):
            ui.stop(wrong)


def test_stop_takes_a_streamable_and_tells_the_server_its_id():
    spec = ui.stop(PageState.answer)
    assert spec.handler.fn.__name__ == "stop_stream"
    assert '.$stream ?? "")' in str(spec.args)


@pytest.mark.parametrize("options", [{"concurrency": 0}, {"time_limit": -1}])
def test_options_that_make_no_sense_are_refused(options):
    async def ask(self):
        yield

    with pytest.raises(ui.PageError, match=next(iter(options))):
        ui.server_function(**options)(ask)


def test_a_server_function_must_be_async():
    with pytest.raises(ui.PageError, match="async def"):
        ui.server_function(lambda self: None)
