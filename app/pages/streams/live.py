"""The page's state: a board that goes on every second for as long as somebody looks."""

import asyncio
import math
import random

import reflex as rx

import streamui as ui
from app.pages.streams.board import Board, Watcher, allowed

ROUTE = "streams"
WORDS = ("tea ", "river ", "lantern ", "and ", "slowly ", "north ", "of ", "amber ", "again ")


class Streams(rx.State):
    """What one tab sees."""

    board: ui.StreamableValue[Board] = ui.StreamableValue(Board()).done()
    may: str = ""
    """What the server lets this page do; empty until it is known."""
    stopping: rx.Field[list[int]] = rx.field(default_factory=list)

    @ui.server_function(supersedes=True, stop_on_leave=True, time_limit=0)
    async def watch(self):
        """Show what this server streams, until the page goes elsewhere."""
        async with self:
            self.may = allowed()
            if self.may == "off":
                return
            watcher = Watcher(without=f"{__name__}.Streams.watch")
            board = ui.StreamableValue(watcher.look())
            self.board, self.stopping = board, []
        while True:
            yield
            await asyncio.sleep(1)
            async with self:
                if self.router.route_id.strip("/") != ROUTE:
                    self.may = ""
                    return
            board.update(watcher.look())

    @ui.server_function(concurrency=20)
    async def start(self):
        """Stream words for a minute, now fast, now slow, and once not at all."""
        text = ui.StreamableValue("")
        text.handle()  # counts as given to somebody, though no page shows it
        phase, silent = random.random(), random.uniform(20, 40)
        for tenth in range(600):
            if tenth == int(silent * 10):
                await asyncio.sleep(ui.settings.stall_after + 2)
            pace = 12 + 10 * math.sin(tenth / 40 + 7 * phase) + 4 * math.sin(tenth / 9)
            for _ in range(math.floor(max(0.0, pace) / 10 + random.random())):
                text.append(random.choice(WORDS))
            yield
            await asyncio.sleep(0.1)

    @rx.event
    def stop(self, number: int):
        """Stop a stream, whoever's it is, where the demo's setting lets everybody do that."""
        if allowed() == "stop" and isinstance(number, int):
            self.stopping = [*self.stopping, number][-100:]
            ui.stop_open(number)
