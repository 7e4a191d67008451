"""Designs on the canvas: what is wrong with them, what they become, and what hostile ones do."""

import json
from itertools import pairwise
from typing import Any

from web.conftest import Visitors
from web.site import ROOT, Site

HOSTILE = '<img src=x onerror=alert(1)>"><script>alert(2)</script>'


def node(name: str, kind: str, label: str = "", **data: Any) -> dict[str, Any]:
    return {"id": name, "type": kind, "data": {"label": label or name, **data}}


def edge(source: str, target: str, **more: Any) -> dict[str, Any]:
    return {"id": f"{source}-{target}", "source": source, "target": target, **more}


UNSOUND = {
    "id": "unsound",
    "name": "两条分支只走一条",
    "nodes": [
        node("start", "start"),
        node("choose", "condition"),
        node("left", "delay", duration="1h"),
        node("right", "delay", duration="1h"),
        node("both", "join", mode="all"),
        node("end", "end"),
    ],
    "edges": [
        edge("start", "choose"),
        edge("choose", "left", data={"when": "event.data.a == 1"}),
        edge("choose", "right", data={"default": True}),
        edge("left", "both"),
        edge("right", "both"),
        edge("both", "end"),
    ],
}


def test_an_unsound_design_shows_its_path(site: Site, visitors: Visitors) -> None:
    ann = visitors("ann", "en-GB")
    ann.visit("/check")
    ann.page.get_by_label("or paste JSON").fill(json.dumps(UNSOUND))
    ann.page.locator('.pf-node--path[data-node="both"]').wait_for()
    shown = {one.get_attribute("data-node") for one in ann.page.locator(".pf-node--path").all()}
    assert {"start", "choose", "both"} <= shown
    assert len(shown & {"left", "right"}) == 1, "one of the branches is not on the walk"
    assert ann.page.locator(".pf-edge--path[data-edge]").count() == len(shown) - 1
    assert ann.page.locator('.pf-node--error[data-node="both"]').count() == 1
    ann.page.get_by_role("button", name="Show the path").click()
    assert ann.page.locator(".pf-node--path").count() == 0
    ann.page.get_by_role("tab", name="Python").click()
    ann.page.get_by_text("There is none while there are errors").wait_for()


UNCLEAR = {
    "id": "unclear",
    "name": "驳回之后还付不付款",
    "nodes": [
        node("start", "start"),
        node("finance", "approval", approverIds=["1"]),
        node("legal", "approval", approverIds=["2"]),
        node("tell", "notify", to="user:1", content="no"),
        node("pay", "task", handler="pay_supplier"),
        node("end", "end"),
        node("refused", "end", status="rejected", terminate=True),
    ],
    "edges": [
        edge("start", "finance"),
        edge("start", "legal"),
        edge("finance", "pay"),
        edge("legal", "pay"),
        edge("pay", "end"),
        edge("finance", "tell", sourceHandle="rejected"),
        edge("legal", "tell", sourceHandle="rejected"),
        edge("tell", "refused"),
    ],
}


def test_a_branch_that_walked_away_is_shown_with_a_path(site: Site, visitors: Visitors) -> None:
    ann = visitors("ann", "en-GB")
    ann.visit("/check")
    ann.page.get_by_label("or paste JSON").fill(json.dumps(UNCLEAR))
    ann.page.locator('.pf-node--path.pf-node--error[data-node="pay"]').wait_for()
    shown = {one.get_attribute("data-node") for one in ann.page.locator(".pf-node--path").all()}
    assert shown in ({"start", "finance", "pay"}, {"start", "legal", "pay"})
    assert ann.page.locator('[data-code="PF218"]').count() == 1
    stops = ann.page.locator(".pf-node--stops")
    assert [one.get_attribute("data-node") for one in stops.all()] == ["refused"]
    assert "stops the run" in stops.inner_text()


def test_a_sound_design_shows_what_it_becomes(site: Site, visitors: Visitors) -> None:
    ann = visitors("ann", "en-GB")
    ann.visit("/designs/purchase-approval")
    ann.page.get_by_text("Nothing is wrong").first.wait_for()
    ann.page.get_by_role("tab", name="Python").click()
    ann.page.get_by_text("import inngest").wait_for()
    ann.page.get_by_role("tab", name="Definition").click()
    ann.page.get_by_text('"nodes"').wait_for()
    ann.node("manager").click()
    ann.page.get_by_role("region", name="部门经理审批").get_by_text("approverType").wait_for()


def test_what_is_no_design_is_said_and_not_drawn(site: Site, visitors: Visitors) -> None:
    ann = visitors("ann", "en-GB")
    ann.visit("/check")
    paste = ann.page.get_by_label("or paste JSON")
    paste.fill('{"nodes": [')
    ann.page.get_by_text("This is no JSON").wait_for()
    paste.fill("[]")
    ann.page.get_by_text("A design is a JSON object").wait_for()
    paste.fill('{"nodes": [], "edges": []}')
    ann.page.get_by_text("Errors: 1").wait_for()
    paste.fill("")
    assert ann.page.locator(".app-verdict").count() == 0


def test_a_dropped_file_is_checked_and_kept(site: Site, visitors: Visitors) -> None:
    ann = visitors("ann", "zh-CN")
    ann.visit("/check")
    chosen = ROOT / "fixtures/designs/two-branches-delay/design.json"
    ann.page.locator('input[type="file"]').set_input_files(chosen)
    ann.page.locator(".pf-node").first.wait_for()
    ann.page.get_by_role("button", name="保存为草稿").click()
    ann.page.wait_for_url("**/designs/*")
    ann.page.locator(".pf-node").first.wait_for()


def test_hostile_labels_stay_texts(site: Site, visitors: Visitors) -> None:
    design = {
        "id": "hostile",
        "name": HOSTILE,
        "nodes": [
            node("start", "start", HOSTILE),
            node("ask", "approval", HOSTILE, approverType="user", approverIds=["ben"]),
            node("end", "end", HOSTILE),
        ],
        "edges": [edge("start", "ask", label=HOSTILE), edge("ask", "end", label=HOSTILE)],
    }
    code = site.publish(design)
    run = site.run(code, {"text": HOSTILE}, lambda one: one["status"] == "waiting")
    ben = visitors("ben", "en-GB")
    ann = visitors("ann", "en-GB")
    ann.visit(f"/designs/{code}/edit")
    ann.node("ask").click()
    ann.page.get_by_label("Label", exact=True).wait_for()
    assert ann.page.locator('img[src="x"]').count() == 0
    for path in ("/", f"/designs/{code}", f"/runs/{run}", "/runs", "/tasks", "/inbox", "/check"):
        ben.visit(path)
        if path == "/inbox":
            ben.page.get_by_role("button", name="<img src=x").first.click()
            ben.page.get_by_role("article").wait_for()
        elif path == "/check":
            ben.page.get_by_label("or paste JSON").fill(json.dumps(design))
        if path not in ("/runs", "/tasks"):
            ben.page.get_by_text("<img src=x").first.wait_for()
        assert ben.page.locator('img[src="x"]').count() == 0
    site.approve("ben", run)


def test_a_thousand_nodes_are_drawn_where_they_are_seen(site: Site, visitors: Visitors) -> None:
    count = 1000
    names = [f"step{number}" for number in range(count - 2)]
    walk = ["start", *names, "end"]
    design = {
        "id": "thousand",
        "nodes": [
            node("start", "start"),
            *(node(name, "delay", duration="1s") for name in names),
            node("end", "end"),
        ],
        "edges": [edge(one, other) for one, other in pairwise(walk)],
    }
    for number, one in enumerate(design["nodes"]):
        one["position"] = {"x": (number % 40) * 240, "y": (number // 40) * 120}
    code = site.publish(design)
    ann = visitors("ann", "en-GB")
    ann.visit(f"/designs/{code}")
    canvas = ann.page.locator(f'.pf-canvas[data-nodes="{count}"]')
    canvas.wait_for()
    ann.page.locator(".pf-node").first.wait_for()
    drawn = ann.page.locator(".pf-node").count()
    assert 0 < drawn < count / 2, "only what is in view is in the document"
    box = canvas.bounding_box()
    assert box is not None
    before = ann.page.locator(".react-flow__viewport").get_attribute("style")
    ann.page.mouse.move(box["x"] + 300, box["y"] + 200)
    ann.page.mouse.wheel(300, 100)
    ann.page.wait_for_function(
        "before => document.querySelector('.react-flow__viewport').getAttribute('style') !== before",
        arg=before,
    )
    assert ann.page.locator(".pf-node").count() > 0
