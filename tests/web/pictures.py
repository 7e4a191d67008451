"""Takes the pictures of the documents anew: `python -m web.pictures`, in `tests`."""

import json
import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright
from web.browsers import ARGUMENTS, CHROMIUM
from web.site import ROOT, Site, purchase
from web.test_designs import UNSOUND

IMAGES = ROOT / "docs/images"


def visit(browser: Browser, site: Site, user: str, path: str, **context: object) -> Page:
    page = browser.new_context(reduced_motion="reduce", **context).new_page()  # type: ignore[arg-type]
    page.goto(f"{site.address}{path}#token={site.tokens[user]}")
    return page


def take(site: Site, browser: Browser) -> None:
    site.publish(purchase())
    run = site.purchase()
    wide = {"viewport": {"width": 1280, "height": 640}}
    page = visit(browser, site, "ann", f"/runs/{run}", locale="zh-CN", **wide)
    page.locator('[data-node="manager"][data-status="waiting"]').wait_for()
    page.wait_for_timeout(500)
    page.screenshot(path=IMAGES / "run.png")

    page = visit(browser, site, "ann", "/check", locale="en-GB", **wide)
    page.get_by_label("or paste JSON").fill(json.dumps(UNSOUND, ensure_ascii=False))
    page.locator(".pf-node--path").first.wait_for()
    page.wait_for_timeout(500)
    page.screenshot(path=IMAGES / "unsound.png")

    narrow = {"viewport": {"width": 400, "height": 760}, "color_scheme": "dark"}
    page = visit(browser, site, "ben", "/inbox", locale="zh-CN", **narrow)
    page.locator(".app-row-button").first.click()
    page.get_by_role("article").locator(".pf-node").first.wait_for()
    page.wait_for_timeout(500)
    page.screenshot(path=IMAGES / "approval.png")


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        site = Site(Path(folder))
        site.populate()
        site.start()
        found = next(path for name in CHROMIUM if (path := shutil.which(name)))
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
                take(site, browser)
                browser.close()
        finally:
            site.end()


if __name__ == "__main__":
    main()
