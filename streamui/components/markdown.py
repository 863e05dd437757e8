"""Streaming Markdown, drawn block by block."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reflex.assets import asset
from reflex_base.components.component import field
from reflex_base.vars.base import Var

from streamui.components.base import StreamComponent

PACKAGES = (
    "marked@18.2.1",
    "decode-named-character-reference@1.3.0",
    "highlight.js@11.12.0",
    # The release that rx.markdown's KaTeX plugin uses: one copy serves both.
    "katex@0.16.47",
)

# markdown.jsx imports these by relative paths, so all of them have to be linked beside it.
for _file in (
    "markdown.css",
    "markdown_blocks.js",
    "markdown_code.jsx",
    "markdown_highlight.js",
    "markdown_hold.js",
    "markdown_inline.js",
    "markdown_katex.js",
    "markdown_languages.js",
    "markdown_lex.js",
    "markdown_math.jsx",
    "markdown_pace.js",
    "markdown_tokens.jsx",
    "markdown_url.js",
):
    asset(_file, shared=True)


class Markdown(StreamComponent):
    """Shows Markdown that may still be written.

    Finished blocks are neither parsed nor drawn again, and the end of the text looks as it will
    look when it is complete: no stray ``**``, no half a table. HTML in the text is shown as text,
    links lead to http, https, mailto or this site, and images are requested only if allowed.
    """

    library = asset("markdown.jsx", shared=True).importable_path.split("?")[0]
    tag = "StreamMarkdown"
    lib_dependencies: list[str] = field(default_factory=lambda: list(PACKAGES))

    source: Var[Any] = field(doc="A streamable or plain Markdown text.")
    images: Var[bool | Sequence[str]] = field(
        doc="Which images the page may request: none (the default), those under the given URL "
        'prefixes (``["https://cdn.example.com/docs/", "/static/"]``), or, with True, any.'
    )
    caret: Var[bool] = field(doc="Show a caret at the end of the text while it is written.")


def markdown(source: Any, *, images: Any = False, **props: Any) -> Markdown:
    """Show streaming Markdown: tables, code in colour, formulas, task lists.

    Args:
        source: A streamable, a state variable or loop variable that holds one, or plain Markdown.
        images: Images the page may request: False for none (their description is shown, with a
            link), a list of URL prefixes (same scheme and host, path below the prefix's path), or
            True for any.
        props: ``caret``, ``id``, ``class_name``, style props.

    Returns:
        A component that renders again when this stream changes, and at no other time.

    Raises:
        TypeError: If ``images`` is one string: a list of prefixes was meant.

    Example:
        ui.markdown(State.answer, images=["https://cdn.example.com/"])
    """
    if isinstance(images, str):
        raise TypeError(f"images takes a list of URL prefixes: write images=[{images!r}]")
    return Markdown.create(source=source, images=images, **props)
