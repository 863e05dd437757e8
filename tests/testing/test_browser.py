from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from streamui.testing import watch_console

pytestmark = pytest.mark.browser

COMPLAINING = """
<script>
  console.log("fine"); console.warn("careful"); console.error("bad");
  setTimeout(() => { throw new Error("thrown") });
</script>
"""


def test_warnings_errors_and_exceptions_of_every_page_are_collected(chromium: Browser) -> None:
    with chromium.new_context() as context:
        complaints = watch_console(context)
        for _ in range(2):
            with context.expect_event("weberror"):
                context.new_page().set_content(COMPLAINING)
        kinds = sorted(complaint.split("(")[0].strip() for complaint in complaints)
        assert kinds == sorted(2 * ["warning: careful", "error: bad", "uncaught: thrown"])


def test_expected_complaints_do_not_count(chromium: Browser) -> None:
    with chromium.new_context() as context:
        complaints = watch_console(context, allow=["careful", "^uncaught"])
        with context.expect_event("weberror"):
            context.new_page().set_content(COMPLAINING)
        assert [complaint.split(" ")[1] for complaint in complaints] == ["bad"]
