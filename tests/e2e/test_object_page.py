"""Objects on a page, while their fields are still coming."""

import re
from pathlib import Path

from playwright.sync_api import expect

WATCH = """() => {
  window.odd = [];
  const look = () => {
    const text = document.body.innerText;
    if (/undefined|null|NaN|\\[object/.test(text)) window.odd.push(text);
  };
  look();
  new MutationObserver(look).observe(document.body,
    { childList: true, characterData: true, subtree: true });
}"""


def test_fields_that_are_missing_show_nothing_and_fill_in(run_app, page):
    page.goto(run_app((Path(__file__).parent / "object_page.py").read_text()).url)
    page.wait_for_function("document.querySelector('[data-status]')?.dataset.status === 'done'")
    page.evaluate(WATCH)

    def shows(**texts):
        for name, text in texts.items():
            expect(page.locator(f"#{name}")).to_have_text(text)

    def advance():
        page.get_by_role("button", name="Next", exact=True).click()

    shows(loud="", serves="For , 0 steps", bare="", vegan="not vegan", steps="", title="", loose="")
    advance()
    advance()
    expect(page.get_by_role("heading")).to_have_text("Las")
    shows(loud="LAS", serves="For , 0 steps", bare="", loose="Las")
    advance()
    shows(serves="For 4, 1 steps", bare="4", steps=",  min")
    advance()
    shows(serves="For 4, 2 steps", steps="Boil, 8 minBa,  min")

    page.get_by_role("button", name="Cook").click()
    expect(page.locator("[data-status]")).to_have_attribute("data-status", "done", timeout=20_000)
    expect(page.locator("#title")).not_to_have_text("")
    expect(page.locator("#steps li").first).to_have_text(re.compile(r"\w+.*, \d+ min"))
    expect(page.locator("#sizes li").first).to_have_text(re.compile(r"\d\.\d \w"))
    expect(page.locator("#lines li").first).not_to_have_text("")
    expect(page.locator("#bare")).to_have_text(re.compile(r"^\d"))
    assert page.evaluate("window.odd") == []
