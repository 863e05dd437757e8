"""An endpoint that Prometheus can scrape."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from prometheus_client.registry import CollectorRegistry

    from streamui.server.prometheus import StreamCollector

_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


def stream_collector() -> StreamCollector:
    """Return what adds streamui's metrics to the app's own.

    Returns:
        A collector of ``prometheus-client``, for ``REGISTRY.register(ui.stream_collector())``.

    Raises:
        ImportError: If ``prometheus-client`` is not installed: ``pip install streamui[metrics]``.
    """
    try:
        from streamui.server.prometheus import StreamCollector
    except ModuleNotFoundError as error:
        wanted = "metrics for Prometheus need a package more: pip install 'streamui[metrics]'"
        raise ImportError(wanted) from error
    return StreamCollector()


def metrics_routes(
    path: str = "/metrics", *, token: str | None = None, registry: CollectorRegistry | None = None
) -> Starlette:
    """Serve the metrics of this process: ``rx.App(api_transformer=[..., ui.metrics_routes()])``.

    There is no such endpoint unless it is asked for: how busy an app is and what its functions
    are called is not for everybody. Keep the path inside with your proxy, or give a token. Each
    process has numbers of its own: scrape each, see docs/metrics.md.

    Args:
        path: Where.
        token: What a scraper has to send as ``Authorization: Bearer …``; nothing by default.
        registry: What to serve; by default one with streamui's metrics and no others. To serve
            them with your own, register :func:`streamui.stream_collector` there.

    Returns:
        A Starlette application; without Reflex it can be mounted or run like any other.

    Raises:
        ImportError: If ``prometheus-client`` is not installed: ``pip install streamui[metrics]``.
        ValueError: If ``token`` is empty, which would let everybody in.
    """
    collector = stream_collector()
    from prometheus_client.exposition import choose_encoder
    from prometheus_client.registry import CollectorRegistry

    if token == "":
        raise ValueError("metrics_routes(token='') would let everybody in; give None to mean that")
    if registry is None:
        registry = CollectorRegistry()
        registry.register(collector)

    async def metrics(request: Request) -> Response:
        if token is not None and not _may(request, token):
            headers = {**_HEADERS, "www-authenticate": "Bearer"}
            return PlainTextResponse("A token is needed.", 401, headers)
        try:
            encode, kind = choose_encoder(request.headers.get("accept", ""))
        except (TypeError, ValueError):  # a version that is none
            encode, kind = choose_encoder("")
        return Response(encode(registry), headers={**_HEADERS, "content-type": kind})

    return Starlette(routes=[Route(path, metrics, methods=["GET"])])


def _may(request: Request, token: str) -> bool:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(given.encode(), token.encode())
