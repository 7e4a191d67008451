"""A browser, and a site for it to look at.

They need the built page (`make web`) and Chromium. Where these are not there the tests are skipped,
unless PROFLOW_BROWSER=required says that they have to run.
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright
from proflow_runtime.service.pages import BUILT
from web.browsers import ARGUMENTS, CHROMIUM
from web.site import Site, purchase

PATIENCE_MS = 20_000


@dataclass
class Visitor:
    """Somebody with a browser of their own, and what it has said that it should not have."""

    page: Page
    site: Site
    user: str
    complaints: list[str] = field(default_factory=list)

    def visit(self, path: str) -> None:
        self.page.goto(f"{self.site.address}{path}#token={self.site.tokens[self.user]}")

    def node(self, name: str) -> Any:
        return self.page.locator(f'[data-node="{name}"]')

    def wait_for_status(self, node: str, status: str, within_ms: float = PATIENCE_MS) -> None:
        shown = f'[data-node="{node}"][data-status="{status}"]'
        self.page.wait_for_selector(shown, state="attached", timeout=within_ms)


@dataclass
class Visitors:
    """Browsers; each has the language, size and colours that it is asked for."""

    browser: Browser
    site: Site
    contexts: list[BrowserContext] = field(default_factory=list)
    all: list[Visitor] = field(default_factory=list)

    def __call__(
        self, user: str = "ben", language: str = "zh-CN", width: int = 1280, dark: bool = False
    ) -> Visitor:
        context = self.browser.new_context(
            locale=language,
            viewport={"width": width, "height": 800},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
        )
        context.set_default_timeout(PATIENCE_MS)
        self.contexts.append(context)
        visitor = Visitor(context.new_page(), self.site, user)
        self.all.append(visitor)

        def said(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning"):
                visitor.complaints.append(f"{message.type}: {message.text}")

        def asked(request: Any) -> None:
            inside = request.url.startswith((self.site.address, "data:", "blob:"))
            if not inside:
                visitor.complaints.append(f"left the origin: {request.url}")

        visitor.page.on("console", said)
        visitor.page.on("pageerror", lambda error: visitor.complaints.append(f"threw: {error}"))
        visitor.page.on("dialog", lambda one: visitor.complaints.append(f"dialog: {one.message}"))
        visitor.page.on("request", asked)
        return visitor


def missing(what: str) -> None:
    if os.environ.get("PROFLOW_BROWSER") == "required":
        pytest.fail(f"{what}, and PROFLOW_BROWSER says that it is required")
    pytest.skip(what)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the browser."""
    if not (BUILT / "index.html").is_file():
        missing("the page is not built: `make web` does it")
    found = next((path for name in CHROMIUM if (path := shutil.which(name))), None)
    if found is None:
        missing("there is no Chromium")
    return found or ""


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """Gone after its module: its loop would be in the way of tests that have one of their own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def site(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(Path(tmp_path_factory.mktemp("site")))
    site.populate()
    site.start()
    site.publish(purchase())
    yield site
    site.end()


@pytest.fixture
def visitors(browser: Browser, site: Site) -> Iterator[Visitors]:
    """Whoever comes must have nothing to complain of in the end."""
    visitors = Visitors(browser, site)
    yield visitors
    complaints = [one for visitor in visitors.all for one in visitor.complaints]
    for context in visitors.contexts:
        context.close()
    assert complaints == []
