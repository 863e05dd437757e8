import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

SOURCE = """
import asyncio
import json

import reflex as rx
import streamui as ui


class Lab(rx.State):
    text: ui.StreamableValue[str] = ui.StreamableValue("").done()

    @ui.server_function
    async def write(self, form: dict):
        text = ui.StreamableValue("")
        async with self:
            self.text = text
        step = int(form["step"])
        source = form["source"]
        for start in range(0, len(source), step):
            text.append(source[start : start + step])
            yield
            await asyncio.sleep(0.012)


def page():
    return rx.container(
        rx.form(
            rx.text_area(name="source"),
            rx.input(name="step", default_value="1"),
            rx.button("write"),
            on_submit=Lab.write,
        ),
        ui.markdown(Lab.text, id="answer"),
    )


def plain():
    return ui.markdown("# Fixed\\n\\n| a | b |\\n|---|---|\\n| 1 | 2 |", id="answer")


app = rx.App()
app.add_page(page, route="/")
app.add_page(plain, route="/plain")
"""


@pytest.fixture(scope="module")
def lab(run_app):
    return run_app(SOURCE).url


def write(page, text, step=1):
    page.locator("textarea").fill(text)
    page.locator("input[name=step]").fill(str(step))
    page.get_by_role("button", name="write").click()
    expect(page.locator("#answer")).not_to_be_empty()
    expect(page.locator("#answer")).to_have_attribute("data-status", "done", timeout=60_000)


def outside_of(page):
    """Collect the requests to other hosts; none is let through."""
    asked = []

    def guard(route):
        if "//localhost" in route.request.url:
            route.continue_()
        else:
            asked.append(route.request.url)
            route.abort()

    page.route("**/*", guard)
    return asked


def test_links_to_other_sites_open_apart(page, lab):
    page.goto(lab)
    write(page, "[out](https://a.example) [in](/x)", 5)
    out = page.get_by_role("link", name="out")
    expect(out).to_have_attribute("rel", "noopener noreferrer")
    expect(out).to_have_attribute("target", "_blank")
    assert page.get_by_role("link", name="in").get_attribute("target") is None


def test_code_is_coloured_and_copied_exactly_by_keyboard(page, context, lab):
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    code = "".join(f"def f{n}(x):\n    return x + {n}  # a <b> & c\n\n" for n in range(120))
    page.goto(lab)
    write(page, f"```python\n{code}```\n\nAfter.\n", 200)
    expect(page.locator("#answer .tok-keyword")).to_have_count(240)
    assert page.locator("#answer pre").text_content() == code.removesuffix("\n")
    page.get_by_role("button", name="Copy code").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == code.removesuffix("\n")


def test_formulas_come_with_their_own_fonts(page, lab):
    asked = outside_of(page)
    page.goto(lab)
    write(page, "Say $x^2$.\n\n$$\n\\frac{1}{2}\n$$\n\nIt costs $5 or $6.\n", 4)
    expect(page.locator("#answer .katex")).to_have_count(2)
    expect(page.locator("#answer")).to_contain_text("It costs $5 or $6.")
    page.wait_for_function(
        "[...document.fonts].some((f) => f.family.startsWith('KaTeX') && f.status === 'loaded')"
    )
    assert asked == []


def test_wide_tables_scroll_inside_a_narrow_page(page, lab):
    page.set_viewport_size({"width": 360, "height": 700})
    page.goto(lab)
    write(
        page, "| " + "a wide heading | " * 9 + "\n" + "|---" * 9 + "|\n" + "| cell " * 9 + "|\n", 9
    )
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    box = page.get_by_role("group", name="Table")
    assert box.evaluate("node => node.scrollWidth > node.clientWidth")


def test_plain_markdown_needs_no_stream(page, lab):
    page.goto(f"{lab}/plain")
    expect(page.get_by_role("heading", name="Fixed")).to_be_visible()
    expect(page.get_by_role("cell", name="2")).to_be_visible()
