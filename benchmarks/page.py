"""How soon the page is there, and how it bears a large drawing, in Chromium on this machine.

Needs the built page (`make web`) and Chromium; `python -m benchmarks page`.
"""

import gzip
import shutil
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright
from proflow_runtime.service.pages import BUILT

from benchmarks.tables import show, verdict

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from web.browsers import ARGUMENTS, CHROMIUM  # found from here only
from web.site import Site, purchase

NODES = 1000
MOST_FIRST_JS = 320.0
"""Kilobytes, compressed."""
MOST_COLD, MOST_OPEN, MOST_FRAME = 2.0, 3.0, 0.1
"""Seconds: until a cold page answers, until a large design is drawn, of one frame as it is moved."""
FRAMES = """() => new Promise(done => {
  const canvas = document.querySelector('.react-flow__pane');
  const times = []; let before = performance.now();
  const step = (now) => {
    times.push(now - before); before = now;
    canvas.dispatchEvent(new WheelEvent('wheel', { deltaX: 25, deltaY: 8, bubbles: true }));
    if (times.length < 60) requestAnimationFrame(step); else done(times.slice(1));
  };
  requestAnimationFrame(step);
})"""


def large() -> dict[str, Any]:
    names = ["start", *(f"step{number}" for number in range(NODES - 2)), "end"]
    kinds = ["start", *["delay"] * (NODES - 2), "end"]
    nodes = [
        {
            "id": name,
            "type": kind,
            "position": {"x": (at % 40) * 240, "y": (at // 40) * 120},
            "data": {"duration": "1s"} if kind == "delay" else {},
        }
        for at, (name, kind) in enumerate(zip(names, kinds, strict=True))
    ]
    edges = [{"source": a, "target": b} for a, b in pairwise(names)]
    return {"id": "large", "nodes": nodes, "edges": edges}


def opened(browser: Browser, site: Site, path: str, drawn: str) -> tuple[Page, float]:
    """A page with nothing cached, and after how many seconds something is on it."""
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    begun = time.perf_counter()
    page.goto(f"{site.address}{path}#token={site.tokens['ann']}")
    page.locator(drawn).first.wait_for()
    return page, time.perf_counter() - begun


def main() -> None:
    chromium = next((path for name in CHROMIUM if (path := shutil.which(name))), None)
    if chromium is None or not (BUILT / "index.html").is_file():
        print("page: needs Chromium, and the page (`make web`)")
        return
    with tempfile.TemporaryDirectory() as folder:
        site = Site(Path(folder))
        site.populate()
        site.start()
        try:
            site.publish(purchase())
            site.publish(large())
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
                _measure(browser, site)
                browser.close()
        finally:
            site.end()


def _measure(browser: Browser, site: Site) -> None:
    page, cold = opened(browser, site, "/", "table a")
    loaded = page.evaluate("performance.getEntriesByType('resource').map(one => one.name)")
    scripts = [BUILT / "assets" / one.rpartition("/")[2] for one in loaded if one.endswith(".js")]
    size = sum(len(gzip.compress(one.read_bytes())) for one in scripts) / 1000
    page, large_open = opened(browser, site, "/designs/large", ".pf-node")
    frames = sorted(page.evaluate(FRAMES))
    frame = frames[len(frames) * 95 // 100] / 1000
    show(
        "The page in Chromium",
        ["", "measured ≤ at most"],
        [
            ["JavaScript of the first page, kB compressed", verdict(size, MOST_FIRST_JS)],
            ["cold until interactive, s", verdict(cold, MOST_COLD)],
            [f"{NODES} nodes drawn, s", verdict(large_open, MOST_OPEN)],
            ["a frame while it is moved, p95, s", verdict(frame, MOST_FRAME)],
        ],
    )


if __name__ == "__main__":
    main()
