"""Everybody can use the page: in colours and words that can be read, by keyboard, in small windows;
and it is there soon."""

import gzip
from typing import Any

import pytest
from proflow_runtime.service.pages import BUILT
from web.conftest import Visitor, Visitors
from web.site import ROOT, Site

AXE = ROOT / "web/node_modules/axe-core/axe.min.js"
MOST_FIRST_JS = 320 * 1024
"""Bytes of JavaScript of the first page, compressed."""
PAGES = ["/", "/designs/purchase-approval", "/designs/purchase-approval/start", "/designs/purchase-approval/edit", "/new",
         "/runs", "RUN", "/tasks", "/inbox", "INBOX", "/check", "/nothing-here"]  # fmt: skip


def settled(visitor: Visitor) -> None:
    visitor.page.wait_for_load_state("networkidle")
    visitor.page.locator("h1, .ant-result").first.wait_for()
    visitor.page.locator(".ant-spin").wait_for(state="detached")


def violations(visitor: Visitor) -> list[Any]:
    # By the debugger's own way: the page's policy lets no script in.
    visitor.page.evaluate(AXE.read_text())
    found = visitor.page.evaluate("axe.run({ resultTypes: ['violations'] })")
    return [
        (one["id"], one["impact"], [part["html"][:300] for part in one["nodes"][:3]])
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_no_page_is_hard_to_use(site: Site, visitors: Visitors, dark: bool) -> None:
    run = site.purchase()
    ben = visitors("ann" if dark else "ben", "en-GB", dark=dark)
    found = {}
    for path in PAGES:
        at = {"RUN": f"/runs/{run}", "INBOX": "/inbox"}.get(path, path)
        ben.visit(at)
        settled(ben)
        if path == "INBOX" and not dark:
            ben.page.locator(".app-row-button").first.click()
            ben.page.get_by_role("article").wait_for()
            settled(ben)
        if problems := violations(ben):
            found[path] = problems
    site.approve("ben", run)
    assert found == {}


@pytest.mark.parametrize("language", ["zh-CN", "en-GB"])
def test_nothing_is_wider_than_a_telephone(site: Site, visitors: Visitors, language: str) -> None:
    run = site.purchase()
    ben = visitors("ann", language, width=400)
    for path in PAGES:
        ben.visit({"RUN": f"/runs/{run}", "INBOX": "/inbox"}.get(path, path))
        settled(ben)
        width = ben.page.evaluate("document.documentElement.scrollWidth")
        assert width <= 400, f"{path} is {width} pixels wide"
    site.approve("ben", run)


def test_a_run_is_found_and_read_by_keyboard(site: Site, visitors: Visitors) -> None:
    run = site.purchase()
    ben = visitors("ben", "en-GB")
    ben.visit("/")
    settled(ben)
    ben.page.keyboard.press("Tab")
    assert ben.page.evaluate("document.activeElement.textContent") == "Skip to content"
    ben.visit(f"/runs/{run}")
    ben.wait_for_status("manager", "waiting")
    ben.page.get_by_role("button", name="部门经理审批 Approval Waiting").focus()
    ben.page.keyboard.press("Enter")
    ben.page.get_by_role("region", name="部门经理审批").wait_for()
    site.approve("ben", run)


def test_the_first_page_is_small(site: Site, visitors: Visitors) -> None:
    ben = visitors("ben")
    loaded: list[str] = []
    ben.page.on("response", lambda one: loaded.append(one.url))
    ben.visit("/")
    settled(ben)
    scripts = [one for one in loaded if one.endswith(".js")]
    assert scripts
    sizes = [
        len(gzip.compress((BUILT / "assets" / one.rpartition("/")[2]).read_bytes()))
        for one in scripts
    ]
    assert sum(sizes) < MOST_FIRST_JS


def test_scripts_are_sent_compressed(site: Site, visitors: Visitors) -> None:
    ben = visitors("ben")
    headers: list[dict[str, str]] = []

    def answered(response: Any) -> None:
        if response.url.endswith(".js"):
            headers.append(response.all_headers())

    ben.page.on("response", answered)
    ben.visit("/")
    settled(ben)
    assert headers
    assert all(one.get("content-encoding") == "gzip" for one in headers)
