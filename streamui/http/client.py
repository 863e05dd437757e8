"""Who asks, as far as limits need to know."""

from __future__ import annotations

import ipaddress

from starlette.requests import Request

from streamui.http.site import site

_OWN = 64  # bits of an IPv6 address that its owner chooses, and may choose anew each time


def address_of(request: Request) -> str:
    """Return the address of whoever sent a request; ``""`` where that is not known.

    Behind proxies it is the one that the first trusted of them saw, as Reflex's
    ``trusted_proxy_hops`` says. What comes from this machine and names no trusted proxy may be
    anybody: a proxy that this app was not told of. With IPv6 it is the network, because everybody
    has as many addresses in it as they like.

    Args:
        request: The request.
    """
    if hops := site.proxies:
        forwarded = request.headers.getlist("x-forwarded-for")
        seen = [each.strip() for each in ",".join(forwarded).split(",") if each.strip()]
        if len(seen) >= hops:
            ip = _parse(seen[-hops])
            return seen[-hops][:64] if ip is None else _owned(ip)
    ip = _parse(request.client.host if request.client is not None else "")
    if ip is None:  # a socket of this machine has no address
        return ""
    return "" if not hops and ip.is_loopback else _owned(ip)


def _parse(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Read an address, with a port or without; ``None`` if it is none."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        ip = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(ip, "ipv4_mapped", None) or ip


def _owned(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    if ip.version == 4:
        return str(ip)
    return str(ipaddress.IPv6Network((int(ip) >> _OWN << _OWN, _OWN)))
