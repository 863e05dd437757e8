"""Who asks, as far as limits need to know."""

from __future__ import annotations

import ipaddress

from starlette.requests import Request

from streamui.http.site import site


def address_of(request: Request) -> str:
    """Return the address of whoever sent a request; ``""`` where that is not known.

    Behind proxies it is the one that the first trusted of them saw, as Reflex's
    ``trusted_proxy_hops`` says. What comes from this machine and names no trusted proxy may be
    anybody: a proxy that this app was not told of.

    Args:
        request: The request.
    """
    if hops := site.proxies:
        forwarded = request.headers.getlist("x-forwarded-for")
        seen = [each.strip() for each in ",".join(forwarded).split(",") if each.strip()]
        if len(seen) >= hops:
            return seen[-hops][:64]
    peer = request.client.host if request.client is not None else ""
    try:
        return "" if not hops and ipaddress.ip_address(peer).is_loopback else peer
    except ValueError:  # a socket of this machine that has no address
        return ""
