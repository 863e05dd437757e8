"""Reflex: how a streamable reaches a page. The only layer that knows Reflex's insides."""
