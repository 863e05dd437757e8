"""Orders, such as a stop: each other process hears each of them once."""

from __future__ import annotations

import asyncio

import pytest

from streamui.errors import StoreUnavailableError
from streamui.server import stopping
from streamui.server.run import Run
from streamui.server.runs import runs
from streamui.settings import settings
from streamui.store.redis import orders
from tests.store.conftest import Processes, until


def listen(store) -> list[dict]:
    heard: list[dict] = []
    store.listen(heard.append)
    store.start()
    return heard


async def listening(*stores) -> None:
    """Wait until each of them is at the end of what there is."""
    names = ["streamui-tail-orders" for _ in stores]
    await until(
        lambda: len([t for t in asyncio.all_tasks() if t.get_name() in names]) >= len(stores)
    )


async def test_every_other_process_hears_an_order_once(apart):
    stores = [apart() for _ in range(3)]
    heard = [listen(store) for store in stores]
    await listening(*stores)
    for number in range(20):
        await stores[0].tell({"n": number})
    stores[0].tell_soon({"n": 20})
    await until(lambda: len(heard[1]) == len(heard[2]) == 21)
    assert heard[1] == heard[2] == [{"n": number} for number in range(21)]
    assert heard[0] == []


async def test_a_short_disconnect_loses_no_order(own_redis):
    processes = Processes(own_redis.url)
    one, other = processes(), processes()
    heard = listen(other)
    await listening(one, other)
    own_redis.cli("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    await one.tell({"stop": "a"})
    own_redis.cli("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    await one.tell({"stop": "b"})
    await until(lambda: len(heard) == 2)
    assert heard == [{"stop": "a"}, {"stop": "b"}]
    await processes.close()


async def test_orders_are_heard_after_redis_came_back_empty(own_redis):
    processes = Processes(own_redis.url)
    one, other = processes(), processes()
    heard = listen(other)
    await listening(one, other)
    await one.tell({"stop": "a"})
    await until(lambda: heard)
    own_redis.kill()
    one.tell_soon({"stop": "b"})
    own_redis.start()
    await until(lambda: len(heard) == 2)
    await processes.close()


async def test_what_is_told_while_redis_is_gone_is_told_later_all_of_it_and_once(own_redis):
    processes = Processes(own_redis.url)
    one, other = processes(), processes()
    heard = listen(other)
    await listening(one, other)
    own_redis.kill()
    told = [{"n": number} for number in range(1_500)]
    for order in (*told, *told):
        one.tell_soon(order)
    own_redis.start()
    await until(lambda: len(heard) >= len(told))
    assert sorted(order["n"] for order in heard) == list(range(1_500))
    one.tell_soon(told[0])  # it may mean something new by now
    await until(lambda: heard[-1] == told[0])
    await processes.close()


async def test_what_waits_is_sent_before_the_process_ends(apart):
    one, other = apart(), apart()
    heard = listen(other)
    await listening(one, other)
    for number in range(20):
        one.tell_soon({"n": number})
    await one.close()
    await until(lambda: len(heard) == 20)


async def test_orders_that_are_too_many_are_not_lost_in_silence(own_redis, monkeypatch, caplog):
    monkeypatch.setattr(orders, "_MOST", 5)
    processes = Processes(own_redis.url)
    one, other = processes(), processes()
    heard = listen(other)
    await listening(one, other)
    own_redis.kill()
    for number in range(20):
        one.tell_soon({"n": number})
    assert [each.message for each in caplog.records if each.levelname == "ERROR"] == [
        "Orders for other processes are lost: 5 wait for Redis"
    ]
    own_redis.start()
    await until(lambda: len(heard) == 5)
    assert [order["n"] for order in heard] == list(range(5))
    await processes.close()


async def test_an_order_that_fails_does_not_silence_the_next(processes, caplog):
    one, other = processes(), processes()

    def fail(order):
        raise ValueError("no")

    other.listen(fail)
    heard = listen(other)
    await listening(one, other)
    await one.tell({"n": 1})
    await one.tell({"n": 2})
    await until(lambda: len(heard) == 2)
    assert "An order failed" in caplog.text


async def test_what_is_stopped_here_is_stopped_while_redis_is_gone_and_told_later(
    own_redis, monkeypatch
):
    processes = Processes(own_redis.url)
    one, other = processes(), processes()
    monkeypatch.setattr(stopping, "store", one)
    monkeypatch.setattr(settings, "store_patience", 0.5)
    heard = listen(other)
    await listening(one, other)
    own_redis.kill()
    run = Run("ask", "page")
    runs.add(run)
    try:
        await stopping.stop_calls("page", "ask")  # without an error that the page would show
    finally:
        runs.remove(run)
    own_redis.start()
    await until(lambda: heard)
    assert heard == [{"stop_calls": ["page", "ask"]}]
    with pytest.raises(StoreUnavailableError):  # where it runs elsewhere, it is not stopped
        own_redis.kill()
        await stopping.stop_calls("page", "ask")
    await processes.close()
