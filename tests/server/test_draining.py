"""The end of a process goes on to its end, whatever fails on the way."""

from streamui.server.draining import Draining


async def test_what_is_open_is_closed_although_the_last_frames_fail(caplog):
    draining, done = Draining(), []

    async def fail():
        raise ConnectionError("gone")

    async def show():
        done.append("shown")

    draining.last += [fail, show]
    draining.closing.append(lambda: done.append("closed"))
    await draining.drain()
    assert done == ["shown", "closed"]
    assert "gone" in caplog.text
