"""An object whose fields change: each change travels as that change, not as the object."""

import asyncio

import reflex as rx

import streamui as ui


class Job(rx.State):
    job: ui.StreamableValue[dict] = ui.StreamableValue({"percent": 0, "step": "idle"}).done()

    @ui.server_function(concurrency=1)
    async def start(self):
        job = ui.StreamableValue({"percent": 0, "step": "starting"})
        async with self:
            self.job = job
        for percent in range(1, 101):
            step = ("reading", "thinking", "writing", "checking")[percent * 4 // 101]
            job.update({"percent": percent, "step": step})
            yield
            await asyncio.sleep(0.05)


def index():
    job = Job.job.value
    return rx.container(
        rx.card(
            rx.vstack(
                rx.heading(job["step"].to(str), size="4"),
                rx.progress(value=job["percent"].to(int), width="100%"),
                rx.hstack(
                    rx.button("Start", on_click=Job.start, disabled=Job.job.streaming),
                    rx.button("Stop", on_click=ui.stop(Job.start), variant="soft"),
                    ui.status(Job.job),
                ),
            ),
        ),
    )


app = rx.App()
app.add_page(index)
