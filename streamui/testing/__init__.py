"""What you need to test your own streaming page: a running app, and a browser that complains."""

from streamui.testing.app_server import AppServer
from streamui.testing.browser import launch_chromium, watch_console

__all__ = ["AppServer", "launch_chromium", "watch_console"]
