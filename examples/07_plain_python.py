"""Streaming without a page: one producer, two readers, one of them late."""

import asyncio

import streamui as ui


async def produce(answer: ui.StreamableValue[str]) -> None:
    stream = await ui.default_client().responses.create(
        model=ui.default_model(), input="Write 30 words about tides", stream=True
    )
    async for event in ui.model_events(stream):
        if event.type == "text-delta":
            answer.append(event.delta)
    answer.done()


async def read(name: str, answer: ui.StreamableValue[str]) -> None:
    count = 0
    async for value in ui.read_streamable(answer):
        count += 1
        if count % 10 == 1:
            print(f"{name}: …{value[-40:]!r}")
    print(f"{name}: complete after {count} values")


async def main() -> None:
    answer = ui.StreamableValue("")
    producing = asyncio.create_task(produce(answer))
    await asyncio.gather(read("first", answer), read_later(answer), producing)


async def read_later(answer: ui.StreamableValue[str]) -> None:
    await asyncio.sleep(0.3)
    await read("second", answer)


if __name__ == "__main__":
    asyncio.run(main())
