"""Each recipe does in a browser what it says, and so does the gallery that leads to it."""

import re

import pytest
from playwright.sync_api import expect

from app.pages.recipes.catalogue import KINDS, recipes
from tests.e2e.assistant_page import AssistantPage
from tests.e2e.recipe_page import RecipePage

QUICK = "Write 20 words about rivers at 1000 words per second"
SLOW = "Write 300 words about rivers at 30 words per second"
FAILING = "Write 60 words about tea at 1000 words per second, fail with 429 after 20 words"
BUSY = "The model is busy with too many requests."


@pytest.fixture
def open_recipe(page, app_server):
    return lambda name: RecipePage(page, app_server.url, name).open()


def test_the_gallery_leads_to_every_recipe(page, app_server):
    AssistantPage(page, app_server.url).open()
    page.get_by_role("link", name="Recipes").click()
    expect(page.get_by_role("heading", name="Recipes", level=2)).to_be_visible()
    for kind, names in KINDS.items():
        section = page.get_by_role("region", name=kind, exact=True)
        expect(section.get_by_role("listitem")).to_have_count(len(names))
    every = recipes()
    links = page.get_by_role("main").get_by_role("link")
    found = links.evaluate_all("all => all.map(e => [e.getAttribute('href'), e.textContent])")
    assert found == [[each.route, each.title + each.sentence] for each in every]
    for width in (360, 1920):
        page.set_viewport_size({"width": width, "height": 740})
        assert page.evaluate("document.querySelector('main').scrollWidth <= innerWidth")
    links.first.focus()
    page.keyboard.press("Enter")
    others = page.get_by_role("navigation", name="Other recipes").get_by_role("link")
    for each in every[:2]:
        expect(page).to_have_title(f"{each.title} · streamui")
        others.last.click()
    expect(page).to_have_title(f"{every[2].title} · streamui")
    page.get_by_role("main").get_by_role("link", name="Recipes", exact=True).click()
    expect(links).to_have_count(len(every))


def test_a_recipe_fits_on_any_page_and_its_code_can_be_copied(open_recipe, page, context):
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    here = open_recipe("stream_text")
    live, code = here.live.bounding_box(), here.code.bounding_box()
    assert live["x"] + live["width"] <= code["x"], "on a wide page the code is beside it"
    here.code.get_by_role("button", name="Copy code").click()
    expect(here.code.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()").strip() == here.recipe.source.strip()
    word = "Donaudampfschifffahrtsgesellschaft" * 12
    here.ask(f"Repeat {word} שלום עולם")
    here.press("Stop")
    for width in (390, 820, 1920):
        page.set_viewport_size({"width": width, "height": 740})
        assert page.evaluate("document.querySelector('main').scrollWidth <= innerWidth")
        expect(here.button("Answer")).to_be_in_viewport(ratio=1)
    page.set_viewport_size({"width": 390, "height": 740})
    live, code = here.live.bounding_box(), here.code.bounding_box()
    assert live["y"] + live["height"] <= code["y"], "on a narrow one it is below"


def test_generate_text(open_recipe):
    here = open_recipe("generate_text").ask(QUICK).shows("river").wait_for_end()
    here.watch().ask("Write 20 words about tea at 40 words per second")
    expect(here.button("Answer")).to_be_disabled()
    here.shows("tea").wait_for_end()
    assert here.count() == 1, "it came bit by bit"
    here.ask(FAILING)
    expect(here.alert).to_contain_text(BUSY)
    expect(here.button("Answer")).to_be_enabled()


def test_stream_text(open_recipe, page):
    here = open_recipe("stream_text").ask(SLOW).shows("river")
    page.reload()  # in the middle: it goes on
    expect(here.wait().log.locator("[aria-busy=true]")).to_contain_text("river")
    here.press("Stop").wait_for_end("cancelled")
    here.ask(FAILING).wait_for_end("error")
    expect(here.alert).to_contain_text(BUSY)
    here.shows("tea").ask(QUICK).shows("river").wait_for_end()
    expect(here.alert).to_have_count(0)


@pytest.mark.parametrize("name", ["generate_text_chat", "stream_text_chat"])
def test_text_with_chat_prompt(open_recipe, name):
    here = open_recipe(name)
    for question, answer in (("My name is Ada.", "Ada"), ("What is my name?", "Your name is Ada")):
        here.ask(question).shows(answer).wait_for_end()
        expect(here.button("Send")).to_be_visible()
        expect(here.box).to_have_value("")
    here.ask(FAILING)
    expect(here.alert).to_contain_text(BUSY)
    expect(here.log.get_by_role("article")).to_have_count(6)
    here.ask("What is my name?")  # a failed answer does no harm
    expect(here.log.get_by_role("article").last).to_contain_text("Ada")
    here.press("Clear")
    expect(here.log.get_by_role("article")).to_have_count(0)


def test_stream_assistant_response(open_recipe, context, app_server):
    here = open_recipe("stream_assistant").ask("My name is Ada.").shows("Nice to meet you")
    here.shows("user.message.created", "response.completed").wait_for_end()
    here.ask("What is my name?").shows("Your name is Ada").wait_for_end()
    other = RecipePage(context.new_page(), app_server.url, "stream_assistant").open()
    other.ask(SLOW).shows("river").press("Stop").wait_for_end("cancelled")
    other.ask("What is my name?").wait_for_end()  # nobody else's conversation
    expect(other.log.get_by_role("article")).to_have_count(4)
    expect(other.log).not_to_contain_text("Ada")
    here.ask(FAILING).wait_for_end("error").shows(BUSY)


def test_stream_assistant_response_with_tools(open_recipe):
    here = open_recipe("stream_assistant_tools")
    here.ask("Where is order 1002?").shows("on its way, here tomorrow").wait_for_end()
    here.ask("And order 1003?").shows("delivered on Monday").wait_for_end()


@pytest.mark.parametrize("name", ["generate_object", "stream_object"])
def test_objects(open_recipe, page, name):
    here = open_recipe(name)
    here.watch().ask("Three notifications about tea at 150 words per second")
    expect(here.log.locator(".rt-Skeleton")).to_have_count(1)
    expect(here.log.locator(".rt-Skeleton")).to_have_count(0, timeout=10_000)
    cards = here.log.locator(".rt-Card")
    expect(cards).to_have_count(3)
    assert here.count() > 3 if name == "stream_object" else here.count() == 1
    expect(cards.last).to_contain_text(re.compile(r"\w, \d+ min ago.*\w", re.S))
    here.ask("Three notifications about tea, fail with 429 after 3 words")
    expect(here.alert).to_contain_text(BUSY)


def test_call_tools(open_recipe):
    here = open_recipe("call_tools").press("Ask")
    here.shows("celsius_to_fahrenheit", "21.0", "→ 69.8").wait_for_end()
    here.shows("fahrenheit: 69.8")


def test_tools_in_parallel(open_recipe):
    here = open_recipe("parallel_tools").press("Ask")
    places = here.log.get_by_role("definition")
    expect(places).to_have_count(4)
    expect(places.filter(has_text="…")).to_have_count(4)  # all at once
    expect(places.filter(has_text="°C")).to_have_count(4)
    here.wait_for_end().shows("Cairo", "Lima")


def test_record_token_usage(open_recipe):
    here = open_recipe("token_usage")
    rows = here.live.get_by_role("row")
    for count in (1, 2):
        here.ask(QUICK).shows("river").wait_for_end()
        expect(rows).to_have_count(count + 1)
        expect(rows.last.get_by_role("rowheader")).to_have_text(str(count))
        expect(rows.last.get_by_role("cell").last).to_have_text(re.compile(r"^[1-9]\d+$"))


def test_save_messages(open_recipe):
    here = open_recipe("save_messages").ask(QUICK)
    rows = here.live.get_by_role("log", name="In the database").get_by_role("paragraph")
    expect(rows).to_have_count(2)
    expect(rows.first).to_have_text(f"user {QUICK}")
    here.ask(FAILING)
    expect(here.alert).to_contain_text(BUSY)
    here.ask("Write 20 words about lakes at 1000 words per second").shows("lake")
    expect(rows).to_have_count(4)  # what failed is not there
    expect(rows.nth(3)).to_contain_text("lake")


def test_restore_messages(open_recipe, page, context, app_server):
    here = open_recipe("restore_messages").ask("My name is Ada.").shows("Nice to meet you")
    here.wait_for_end()
    expect(here.button("Send")).to_be_enabled()
    other = RecipePage(context.new_page(), app_server.url, "restore_messages").open()
    other.shows("My name is Ada.", "Nice to meet you")  # a tab of its own, with no past
    other.ask("What is my name?").shows("Your name is Ada")
    page.reload()
    here.shows("My name is Ada.", "Nice to meet you")


def test_cancel(open_recipe):
    here = open_recipe("cancel").press("Ask").shows("river")
    expect(here.live.get_by_role("status")).to_have_text("The model is writing…")
    here.press("Stop").wait_for_end("cancelled")
    expect(here.live.get_by_role("status")).to_contain_text("Stopped.")
    text = here.log.inner_text()
    here.ask(FAILING).wait_for_end("error")
    expect(here.live.get_by_role("status")).to_contain_text(BUSY)
    assert here.log.inner_text() != text


def test_monitor_progress(open_recipe):
    here = open_recipe("progress").ask(QUICK).shows("river").wait_for_end()
    figures = dict(
        zip(
            here.live.get_by_role("term").all_inner_texts(),
            here.live.get_by_role("definition").all_inner_texts(),
            strict=True,
        )
    )
    expect(here.live.get_by_role("definition").last).to_have_text(re.compile(r"^\d+$"))
    assert figures["Chunks"] == "20"
    assert int(figures["Characters"]) > 60


def test_typewriter(open_recipe):
    here = open_recipe("typewriter")
    here.box.fill("Ada 👩‍🚀 עדה")
    here.press("Type").shows("Ada 👩‍🚀 עדה").wait_for_end()
    here.box.fill("x" * 200)
    here.press("Type").shows("xx").press("Stop").wait_for_end("cancelled")
    expect(here.button("Stop")).to_be_disabled()


def test_custom_source(open_recipe):
    here = open_recipe("custom_source").press("Compute").shows("31415926535")
    expect(here.live.get_by_role("status")).to_have_text(re.compile(r"^\d+ digits$"))
    here.press("Stop").wait_for_end("cancelled")
    expect(here.button("Compute")).to_be_enabled()


def test_chat_by_event_stream(open_recipe):
    here = open_recipe("redwood_chat").ask(SLOW).shows(SLOW, "river")
    expect(here.button("Sending…")).to_be_disabled()
    here.page.reload()
    here.wait().shows("river").box.fill(FAILING)
    here.box.press("Enter")  # does nothing while another is being sent
    expect(here.box).to_have_value(FAILING)


def test_server_sent_events(open_recipe, page):
    here = open_recipe("event_source")
    expect(here.button("Close")).to_be_disabled()
    here.press("Listen").shows("connected", '"count": 1')
    expect(here.button("Listen")).to_be_disabled()
    page.reload()  # listens anew, from the beginning
    expect(here.log.locator("code")).to_have_count(2)
    expect(here.log.locator("code").last).to_contain_text('"count": 1')
    here.press("Close")
    expect(here.button("Listen")).to_be_enabled()
    expect(here.alert).to_have_count(0)
