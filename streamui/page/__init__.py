"""Reflex: how a streamable reaches a page. The only layer that knows Reflex's insides."""

# Before any module of this layer: Reflex's own modules load in one order, and once the state
# module is there, streamui.reflex_hook has registered everything here.
import reflex.state  # noqa: F401
