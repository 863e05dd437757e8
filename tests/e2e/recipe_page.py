"""A recipe's page as its tests see it."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from app.pages.recipes.catalogue import recipe

ALIVE = """() => {
    const button = document.querySelector(".recipe-live button");
    return button && Object.keys(button).some((key) => key.startsWith("__reactProps"));
}"""
WATCH = """() => {
    const log = document.querySelector(".recipe-live [role=log]");
    window.seen = new Set();
    const look = () => log.innerText.trim() && window.seen.add(log.innerText);
    const all = { childList: true, characterData: true, subtree: true };
    new MutationObserver(look).observe(log, all);
}"""


class RecipePage:
    """A tab with a recipe in it."""

    def __init__(self, page: Page, url: str, name: str) -> None:
        self.page, self.recipe = page, recipe(name)
        self.url = f"{url}{self.recipe.route}"
        self.live = page.get_by_role("region", name="The recipe at work")
        self.code = page.get_by_role("region", name=f"Its code, {name}.py")
        self.log = self.live.get_by_role("log").first
        self.box = self.live.get_by_role("textbox")
        self.alert = self.live.get_by_role("alert")

    def open(self) -> RecipePage:
        """Go there; what stands around a recipe is looked at as well."""
        self.page.goto(self.url)
        expect(self.page).to_have_title(f"{self.recipe.title} · streamui")
        expect(self.page.get_by_role("heading", name=self.recipe.title, level=2)).to_be_visible()
        assert self.code.locator("code").text_content() == self.recipe.source.strip()
        return self.wait()

    def wait(self) -> RecipePage:
        """Wait until the page listens: a click before that is lost."""
        self.page.wait_for_function(ALIVE)
        return self

    def ask(self, question: str) -> RecipePage:
        expect(self.live.get_by_role("button").first).to_be_enabled()
        self.box.fill(question)
        self.box.press("Enter")
        return self

    def watch(self) -> RecipePage:
        """Count from here on what the recipe shows, one after the other."""
        self.page.evaluate(WATCH)
        return self

    def count(self) -> int:
        return self.page.evaluate("window.seen.size")

    def button(self, name: str) -> Locator:
        return self.live.get_by_role("button", name=name, exact=True)

    def press(self, name: str) -> RecipePage:
        self.button(name).click()
        return self

    def shows(self, *words: str) -> RecipePage:
        for each in words:
            expect(self.log).to_contain_text(each, ignore_case=True)
        return self

    def wait_for_end(self, status: str = "done") -> RecipePage:
        """Wait until all that streams here has ended, the last of it in this way."""
        expect(self.live.locator("[aria-busy=true]")).to_have_count(0)
        expect(self.live.locator("[data-status]").last).to_have_attribute("data-status", status)
        return self
