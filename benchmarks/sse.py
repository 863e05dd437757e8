"""The bare rival: Starlette, server-sent events, one event per token, a text node."""

import json
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, StreamingResponse
from starlette.routing import Route

from benchmarks.cases import TEXT_CASES
from benchmarks.tokens import plain_text, tokens

PAGE = """<!doctype html>
<html lang="en">
<title>bare SSE</title>
<style>#answer { white-space: pre-wrap }</style>
%s
<div id="answer"></div>
<script>
  const text = document.getElementById("answer").appendChild(new Text());
  for (const button of document.querySelectorAll("button")) {
    button.onclick = () => {
      const [, count, rate] = button.id.split("-");
      const source = new EventSource(`/stream?count=${count}&rate=${rate}`);
      source.onmessage = (event) => text.appendData(JSON.parse(event.data));
      source.onerror = () => source.close();  // the end of the response: do not connect again
    };
  }
</script>
</html>
"""


def page(request: Request) -> HTMLResponse:
    """Serve the page: one button per case, one text node."""
    buttons = (f'<button id="{case.button}">{case.button}</button>' for case in TEXT_CASES)
    return HTMLResponse(PAGE % "\n".join(buttons))


async def _events(count: int, rate: int) -> AsyncIterator[str]:
    async for token in tokens(plain_text(count), rate):
        # JSON, because a real token may hold a line break, which would end the event.
        yield f"data: {json.dumps(token)}\n\n"


def stream(request: Request) -> StreamingResponse:
    """Stream `count` tokens at `rate` tokens per second."""
    query = request.query_params
    events = _events(int(query["count"]), int(query["rate"]))
    return StreamingResponse(
        events, media_type="text/event-stream", headers={"Cache-Control": "no-cache"}
    )


app = Starlette(routes=[Route("/", page), Route("/stream", stream)])
