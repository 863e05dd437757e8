"""The Reflex app that holds all Reflex pages of the benchmark, ours and the rivals'."""

import reflex as rx

config = rx.Config(
    app_name="app",
    app_module_import="benchmarks.app.pages",
    telemetry_enabled=False,
    show_built_with_reflex=False,
    plugins=[rx.plugins.RadixThemesPlugin()],
    disable_plugins=[rx.plugins.SitemapPlugin],
)
