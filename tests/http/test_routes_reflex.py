"""``rx.App(api_transformer=ui.routes())``: streams beside Reflex's own endpoints, under Granian."""

import contextlib
import json
import re
import socket
import threading
import time

import httpx
import pytest
from playwright.sync_api import expect

from streamui.testing.app_server import AppServer, free_port
from tests.conftest import NODE_FIRST
from tests.http.serving import rebuilt, records, wait_until

pytestmark = pytest.mark.browser

APP = """
import dataclasses

import reflex as rx
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

import streamui as ui
from streamui.models import demo

shared: dict = {}


class Page(rx.State):
    text: ui.StreamableValue[str] = ui.StreamableValue("").done()
    url: str = ""
    uploaded: str = ""

    @ui.server_function
    async def ask(self):
        text = ui.StreamableValue("")
        async with self:
            self.text, self.url = text, ui.stream_url(text)
        shared.update(text.handle())
        stream = await ui.default_client().responses.create(
            model=ui.default_model(), stream=True,
            input="Write 3000 words about rivers at 40 words per second",
        )
        async for event in ui.model_events(stream):
            if event.type == "text-delta":
                text.append(event.delta)
            yield

    @rx.event
    def join(self):
        self.text = ui.StreamableValue.from_handle(dict(shared))

    @rx.event
    async def upload(self, files: list[rx.UploadFile]):
        for file in files:
            self.uploaded = (await file.read()).decode()


def index():
    return rx.vstack(
        rx.button("Ask", on_click=Page.ask),
        rx.button("Join", on_click=Page.join),
        rx.button("Stop the stream", on_click=ui.stop(Page.text)),
        rx.foreach([0], lambda _: rx.button("Stop it here", on_click=ui.stop(Page.text))),
        ui.text(Page.text),
        rx.text(Page.text.status, id="status"),
        rx.text(Page.url, id="url"),
        rx.text(Page.text.id, id="name"),
        rx.upload(rx.text("drop"), id="files"),
        rx.button("Upload", on_click=Page.upload(rx.upload_files("files"))),
        rx.text(Page.uploaded, id="uploaded"),
    )


async def provider(request):
    return JSONResponse(dataclasses.asdict(demo.server().stats()))


app = rx.App(api_transformer=[ui.routes(), Starlette(routes=[Route("/provider", provider)])])
app.add_page(index)
"""


@pytest.fixture(scope="module")
def server(app_server, tmp_path_factory):
    port = free_port()
    origins = f"http://localhost:{port},https://app.example"
    with AppServer.from_source(
        APP,
        tmp_path_factory.mktemp("routes"),
        packages=app_server.folder,
        port=port,
        env={
            "PATH": NODE_FIRST,
            "REFLEX_CORS_ALLOWED_ORIGINS": origins,
            "STREAMUI_DRAIN": "0.5",
            "STREAMUI_CONNECTIONS_PER_CLIENT": "0",
        },
    ) as server:
        yield server


@pytest.fixture
def client(server):
    with httpx.Client(base_url=f"http://localhost:{server.port}", timeout=20) as client:
        yield client


def press(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def asked(page, server):
    """A page whose stream has begun, the path of its stream, and its session."""
    page.goto(server.url)
    page.wait_for_function("document.querySelector('#status')?.textContent === 'done'")
    press(page, "Ask")
    expect(page.locator("#status")).to_have_text("streaming")
    expect(page.get_by_text("river").first).to_be_visible()
    token = page.evaluate("sessionStorage.getItem('token')")
    name = page.locator("#name").text_content()
    return f"/streams/{name}", {"reflex-client-token": token}


def test_reflex_keeps_its_own_endpoints(server, client, page):
    assert client.get("/ping").json() == "pong"
    assert "<title>" in client.get("/").text
    assert client.get("/provider").json()["requests"] >= 0
    assert client.get("/streams/unknown").json()["code"] == "lost"
    page.goto(server.url)
    page.wait_for_function("document.querySelector('#status')?.textContent === 'done'")
    note = {"name": "a.txt", "mimeType": "text/plain", "buffer": b"uploaded"}
    page.locator("input[type=file]").set_input_files(note)
    press(page, "Upload")
    expect(page.locator("#uploaded")).to_have_text("uploaded")


def test_a_page_its_session_and_its_link_read_the_same_stream(server, client, page):
    path, session = asked(page, server)
    said = []
    with client.stream(
        "GET", path, headers={**session, "accept": "application/x-ndjson"}
    ) as answer:
        assert answer.headers["cache-control"] == "no-store"
        for line in answer.iter_lines():
            said.append(json.loads(line or "{}"))
            if len(said) == 20:
                assert client.delete(path, headers=session).status_code == 204
    assert said[-1]["status"] == "cancelled"
    expect(page.locator("#status")).to_have_text("cancelled")
    text = rebuilt(said)
    link = page.locator("#url").text_content()
    assert link is not None
    assert link.startswith(path), "page and backend are one server: no host"
    assert rebuilt(records(client.get(link).content)) == text
    assert page.evaluate("url => fetch(url).then(answer => answer.text())", link) == (
        client.get(link).text
    )
    shown = page.get_by_text(re.compile("river")).first.text_content()
    assert shown is not None
    assert shown.strip() == text.strip()


@pytest.mark.parametrize("button", ["Stop the stream", "Stop it here"])
def test_fault_37_a_stop_from_another_tab_ends_the_run_and_the_providers_stream(
    server, client, page, context, button
):
    asked(page, server)
    open_before = client.get("/provider").json()["open"]
    assert open_before == 1
    other = context.new_page()
    other.goto(server.url)
    press(other, button)  # it has no stream: nothing happens
    press(other, "Join")
    expect(other.locator("#status")).to_have_text("streaming")
    expect(other.get_by_text("river").first).to_be_visible()
    press(other, button)
    for tab in (page, other):
        expect(tab.locator("#status")).to_have_text("cancelled")
    wait_until(lambda: client.get("/provider").json()["open"] == 0)


def test_fault_57_a_page_can_stop_nothing_that_it_was_not_given(server, client, page, context):
    path, session = asked(page, server)
    other = context.new_page()
    other.goto(server.url)
    token = other.wait_for_function("sessionStorage.getItem('token')").json_value()
    stranger = {"reflex-client-token": token}
    unknown = client.get("/streams/AAAAAAAAAAAAAAAAAAAAAA", headers=stranger)
    for method in ("GET", "DELETE"):
        answer = client.request(method, path, headers=stranger)
        assert (answer.status_code, answer.content) == (404, unknown.content)
    expect(page.locator("#status")).to_have_text("streaming")
    assert client.delete(path, headers=session).status_code == 204
    expect(page.locator("#status")).to_have_text("cancelled")


def test_fault_55_origins_are_those_that_reflex_allows(server, client, page):
    path, session = asked(page, server)
    for method in ("GET", "DELETE", "POST"):
        headers = {**session, "origin": "https://evil.example"}
        assert client.request(method, path, headers=headers).status_code == 403
    preflight = {
        "origin": "https://app.example",
        "access-control-request-method": "DELETE",
        "access-control-request-headers": "reflex-client-token",
    }
    answer = client.options(path, headers=preflight)
    assert answer.is_success
    assert answer.headers.get_list("access-control-allow-origin") == ["https://app.example"]
    assert "DELETE" in answer.headers["access-control-allow-methods"]
    answer = client.delete(path, headers={**session, "origin": "https://app.example"})
    assert answer.status_code == 204
    assert answer.headers.get_list("access-control-allow-origin") == ["https://app.example"]


def test_more_readers_than_granian_would_take_keep_nobody_out(server, client, page):
    path, session = asked(page, server)
    request = f"GET {path} HTTP/1.1\r\nhost: x\r\nreflex-client-token: {{}}\r\n\r\n"
    request = request.format(session["reflex-client-token"]).encode()
    with contextlib.ExitStack() as readers:
        where = ("127.0.0.1", server.port)
        for _ in range(1100):  # its own limit is 1,024
            reader = readers.enter_context(socket.create_connection(where, timeout=20))
            reader.sendall(request)
        assert client.get("/ping").json() == "pong"
        assert client.delete(path, headers=session).status_code == 204
        expect(page.locator("#status")).to_have_text("cancelled")


def test_fault_15_sigterm_does_not_wait_for_readers_and_they_hear_the_end(server, client, page):
    """The last of this module: it ends the server."""
    path, session = asked(page, server)
    page.close()
    with client.stream(
        "GET", path, headers={**session, "accept": "application/x-ndjson"}
    ) as answer:
        lines = answer.iter_lines()
        said = [json.loads(next(lines))]
        stopping = threading.Thread(target=server.stop)
        begun = time.monotonic()
        stopping.start()
        said += [json.loads(line) for line in lines if line]
        stopping.join()
    assert time.monotonic() - begun < 8, "not killed: that comes after ten seconds"
    assert said[-1]["status"] == "interrupted"
