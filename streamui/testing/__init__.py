"""What you need to test your own streaming page.

A running app, a browser that complains, and a model that says what the test wants.
"""

from streamui.testing.app_server import AppServer
from streamui.testing.browser import launch_chromium, watch_console
from streamui.testing.script import Call, Fault, Pause, Reply
from streamui.testing.scripted_model import Asked, ScriptedModel

__all__ = [
    "AppServer",
    "Asked",
    "Call",
    "Fault",
    "Pause",
    "Reply",
    "ScriptedModel",
    "launch_chromium",
    "watch_console",
]
