"""The Reflex app of the load suite: a backend only."""

import reflex as rx

config = rx.Config(
    app_name="app",
    app_module_import="benchmarks.load.app.sessions",
    telemetry_enabled=False,
    show_built_with_reflex=False,
    plugins=[rx.plugins.RadixThemesPlugin()],
    disable_plugins=[rx.plugins.SitemapPlugin],
)
