"""The page's own modules: plain JavaScript, linked into the app that uses them."""

from reflex.assets import asset

for _module in ("store.js", "tree.js"):
    asset(_module, shared=True)

STREAMABLE_LIBRARY = asset("streamable.jsx", shared=True).importable_path.split("?")[0]
"""Where a page imports ``useStreamable`` and ``StreamProvider`` from."""
