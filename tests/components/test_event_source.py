import pytest
import reflex as rx

import streamui as ui


class Feed(rx.State):
    url: str = ""

    @rx.event
    def note(self, message: dict[str, str]): ...

    @rx.event
    def note_all(self, messages: list[dict[str, str]]): ...


def rendered(*args, **props):
    return ui.event_source(*args, **props).render()["props"]


def test_it_is_told_where_the_apps_own_server_is_in_development_too():
    assert "base:getBackendURL(env.PING).href" in rendered("/events")


def test_an_address_may_be_a_state_variable_or_none():
    assert any(each.startswith("url:") and "url_rx_state_" in each for each in rendered(Feed.url))
    assert not any(each.startswith("url:") for each in rendered(None))


def test_named_events_go_to_the_common_handler_or_to_their_own():
    assert 'names:["a", "b"]' in rendered("/", on_message=Feed.note, events=["a", "b"])
    (own,) = [each for each in rendered("/", events={"a": Feed.note}) if "handlers:" in each]
    assert '["a"]' in own
    assert "feed.note" in own


def test_a_handler_gets_what_its_name_says():
    with pytest.raises(TypeError, match="note_all"):
        ui.event_source("/", on_message=Feed.note_all)
    with pytest.raises(TypeError, match="note_all"):
        ui.event_source("/", events={"a": Feed.note_all})


def test_names_are_a_list():
    with pytest.raises(TypeError, match=r"events=\['price'\]"):
        ui.event_source("/", events="price")
