"""The same under Granian, the server that runs Reflex: what is the server's to do, it does."""

import os
import signal
import socket
import subprocess
import sys
import time

import httpx
import pytest

from streamui.testing.app_server import free_port
from tests.http.serving import rebuilt, records, wait_until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def port():
    port = free_port()
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--port", str(port)]
    command += ["--http1-header-read-timeout", "1000", "tests.http.granian_app:app"]
    environment = {**os.environ, "STREAMUI_SEND_TIMEOUT": "0.5"}
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_until(lambda: process.poll() is not None or answers(port), 30)
        assert process.poll() is None
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def answers(port):
    try:
        return httpx.get(f"http://127.0.0.1:{port}/state").is_success
    except httpx.TransportError:
        return False


@pytest.fixture
def client(port):
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
        yield client


def connect(port, *, room=None):
    connection = socket.socket()
    if room is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
    connection.settimeout(20)
    connection.connect(("127.0.0.1", port))
    return connection


def read_on(response):
    body = b""
    try:
        for chunk in response.iter_bytes():
            body += chunk
    except httpx.RemoteProtocolError:
        return body, False
    return body, True


def test_a_stream_is_read_while_it_is_made_and_stopped(client):
    url = client.get("/begin", params={"expires": 60}).json()["url"]
    with client.stream("GET", url) as answer:
        body = b""
        for chunk in answer.iter_bytes():
            body += chunk
            if body.count(b"tick") >= 3:  # more than once is harmless
                assert client.delete(url).status_code == 204
    said = records(body)
    assert len(said) > 1
    assert said[-1]["status"] == "cancelled"
    assert rebuilt(said).replace("tick ", "") == ""
    at_the_end = {"last-event-id": str(said[-1]["offset"])}
    assert client.get(url, headers=at_the_end).status_code == 204
    assert client.head(url).headers["cache-control"] == "no-store"


def test_fault_58_a_stream_breaks_off_when_its_link_expires(client):
    url = client.get("/begin", params={"expires": 0.5}).json()["url"]
    with client.stream("GET", url) as answer:
        body, proper = read_on(answer)
    assert not proper
    assert "status" not in str(records(body))
    assert client.get(url).status_code == 401


def test_text_that_fails_breaks_off_and_events_say_why(client):
    with client.stream("GET", "/fail/text") as answer:
        assert read_on(answer) == (b"so far", False)
    with client.stream("GET", "/fail/sse") as answer:
        body, proper = read_on(answer)
    assert proper
    assert records(body)[-1]["status"] == "error"
    assert b"secret" not in body


def test_fault_23_what_a_reader_does_not_take_is_held_back_and_then_closed(client, port):
    with connect(port, room=4096) as reader:
        reader.sendall(b"GET /flood HTTP/1.1\r\nhost: x\r\n\r\n")
        wait_until(lambda: client.get("/state").json()["closed"] == 1)
        assert client.get("/state").json()["items"] < 200, "a few megabytes"
        while reader.recv(1_000_000):  # it ends when what was on its way is taken
            pass


def test_a_client_that_leaves_is_noticed(client, port):
    url = client.get("/begin", params={"expires": 60}).json()["url"]
    with client.stream("GET", url):
        wait_until(lambda: client.get("/state").json()["open"] == 1)
    wait_until(lambda: client.get("/state").json()["open"] == 0)
    client.delete(url)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (b"Last-Event-ID: " + b"9" * 1_000_000, b"431"),
        (b"\r\n".join(b"a%d: b" % number for number in range(2000)), b"431"),
        (b"Last-Event-ID: " + b"9" * 10_000, b"400"),
        (b"Reflex-Client-Token: " + b"x" * 10_000, b"404"),
    ],
    ids=["one", "many", "offset", "token"],
)
def test_fault_29_oversized_headers_are_a_4xx_and_the_server_goes_on(client, port, headers, status):
    with connect(port) as connection:
        connection.sendall(b"GET /streams/unknown HTTP/1.1\r\nhost: x\r\n" + headers + b"\r\n\r\n")
        assert connection.recv(12)[9:] == status
    assert client.get("/streams/unknown").status_code == 404


def test_fault_29_slow_headers_are_cut_off_and_hold_up_nobody(client, port):
    slow = [connect(port) for _ in range(50)]
    begun = time.monotonic()
    for connection in slow:
        connection.sendall(b"GET /streams/unknown HTTP/1.1\r\nhost:")
    assert client.get("/streams/unknown").status_code == 404
    for connection in slow:
        assert connection.recv(1000) == b"", "cut off, without a word"
        connection.close()
    assert 0.5 < time.monotonic() - begun < 10


def test_fault_29_an_endless_path_is_a_4xx(client, port):
    with connect(port) as connection:
        connection.sendall(b"GET /streams/" + b"a" * 200_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n")
        assert connection.recv(12)[9:10] == b"4"
