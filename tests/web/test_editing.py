"""Designs are drawn, set up, saved and published in the page, and keep what others put there."""

from typing import Any

from web.conftest import Visitor, Visitors
from web.site import Site, eventually


def stored(site: Site, code: str) -> Any:
    with site.client("ann") as ann:
        return ann.get(f"/designs/{code}").json()


def design(code: str, handle: str | None = None) -> dict[str, Any]:
    """A design; `handle` is the outcome by which its last edge leaves."""
    leaving = {} if handle is None else {"sourceHandle": handle}
    return {
        "id": code,
        "name": "请假",
        "x-hostField": {"kept": [1, 2, {"deep": None}]},
        "nodes": [
            {"id": "start", "type": "start", "position": {"x": 0, "y": 0}, "x-host": "mine"},
            {
                "id": "ask",
                "type": "approval",
                "position": {"x": 240, "y": 0},
                "data": {
                    "label": "审批",
                    "colour": "#f00",
                    "config": {"approverType": "user", "approverIds": ["ben"]},
                },
            },
            {"id": "end", "type": "end", "position": {"x": 480, "y": 0}},
        ],
        "edges": [
            {"id": "one", "source": "start", "target": "ask", "animated": True},
            {"id": "two", "source": "ask", "target": "end", **leaving},
        ],
        "viewport": {"x": 1.5, "y": 0, "zoom": 0.9},
    }


def edited(
    site: Site, visitors: Visitors, code: str, handle: str | None = None, **more: Any
) -> Visitor:
    with site.client("ann") as client:
        made = client.post("/designs", json={"design": design(code, handle)})
        assert made.status_code == 201, made.text
    ann = visitors("ann", "en-GB", **more)
    ann.visit(f"/designs/{code}/edit")
    ann.node("ask").wait_for()
    return ann


def test_a_label_is_changed_and_all_else_is_kept(site: Site, visitors: Visitors) -> None:
    ann = edited(site, visitors, "kept")
    ann.node("ask").click()
    label = ann.page.get_by_label("Label", exact=True)
    label.fill("经理审批")
    ann.page.get_by_text("not saved").wait_for()
    ann.page.get_by_role("button", name="Save the draft").click()
    ann.page.get_by_text("The draft is saved").wait_for()
    expected = design("kept")
    expected["nodes"][1]["data"]["label"] = "经理审批"
    assert stored(site, "kept")["design"] == expected


def test_changes_are_taken_back_and_made_again(site: Site, visitors: Visitors) -> None:
    ann = edited(site, visitors, "undone")
    undo = ann.page.get_by_role("button", name="Undo")
    assert undo.is_disabled()
    ann.page.get_by_role("navigation", name="Nodes").get_by_role("button", name="Delay").click()
    ann.node("delay").wait_for()
    undo.click()
    ann.node("delay").wait_for(state="detached")
    ann.page.keyboard.press("Control+Shift+z")
    ann.node("delay").wait_for()


def test_a_workflow_is_drawn_from_nothing_and_published(site: Site, visitors: Visitors) -> None:
    ann = visitors("ann", "en-GB")
    ann.visit("/new")
    ann.node("start").wait_for()
    ann.page.get_by_label("Name of the workflow").fill("From nothing")
    ann.page.get_by_label("Code of the workflow").fill("from-nothing")
    ann.page.get_by_role("navigation", name="Nodes").get_by_role("button", name="Delay").click()
    ann.node("delay").wait_for()
    ann.page.get_by_label("duration").first.fill("1s")
    ann.page.get_by_label("Connect to").fill("end")
    ann.page.keyboard.press("Enter")
    ann.page.get_by_role("button", name="Connect", exact=True).click()
    ann.page.locator('[data-edge="delay-end"]').wait_for(state="attached")
    ann.page.get_by_role("button", name="Fit").click()
    ann.node("start").locator(".react-flow__handle.source").drag_to(
        ann.node("delay").locator(".react-flow__handle.target")
    )
    ann.page.locator('[data-edge="start-delay"]').wait_for(state="attached")
    ann.page.get_by_role("button", name="Publish").click()
    ann.page.get_by_text("Published as v1").wait_for()
    found = stored(site, "from-nothing")
    assert (found["name"], found["published_version"]) == ("From nothing", 1)
    kinds = [one["type"] for one in found["design"]["nodes"]]
    assert kinds == ["start", "end", "delay"]
    ends = [(one["source"], one["target"]) for one in found["design"]["edges"]]
    assert ends == [("start", "end"), ("delay", "end"), ("start", "delay")]


def test_what_is_wrong_is_said_while_one_draws(site: Site, visitors: Visitors) -> None:
    ann = edited(site, visitors, "wrong")
    ann.node("end").click()
    ann.page.keyboard.press("Delete")
    ann.node("end").wait_for(state="detached")
    ann.page.get_by_role("tab", name="Diagnostics (").wait_for()
    ann.page.get_by_role("button", name="Publish").click()
    ann.page.get_by_text("errors", exact=False).first.wait_for()
    assert stored(site, "wrong")["published_version"] is None
    # A refusal is no defect of the page, but the browser tells of it.
    ann.complaints = [one for one in ann.complaints if "422" not in one]


def test_a_fix_is_applied_and_taken_back(site: Site, visitors: Visitors) -> None:
    ann = edited(site, visitors, "fixed", handle="rejected")
    ann.page.get_by_role("tab", name="Diagnostics (1)").click()
    apply = ann.page.get_by_role("button", name="Apply: complete the run")
    apply.click()
    ann.page.get_by_text("Nothing is wrong").wait_for()
    ann.page.get_by_role("button", name="Save the draft").click()
    ann.page.get_by_text("The draft is saved").wait_for()
    saved, given = stored(site, "fixed")["design"], design("fixed", handle="rejected")
    *before, added = saved["edges"]
    assert {**saved, "edges": before} == given
    assert (added["source"], added["target"]) == ("ask", "end")
    ann.page.get_by_role("button", name="Undo").click()
    apply.wait_for()
    assert not ann.page.get_by_text("Nothing is wrong").is_visible()


def test_nodes_are_moved_and_dropped_by_mouse(site: Site, visitors: Visitors) -> None:
    ann = edited(site, visitors, "moved")
    box = ann.node("ask").bounding_box()
    assert box is not None
    ann.page.mouse.move(box["x"] + 60, box["y"] + 20)
    ann.page.mouse.down()
    for step in range(1, 6):
        ann.page.mouse.move(box["x"] + 60, box["y"] + 20 + 20 * step)
    ann.page.mouse.up()
    palette = ann.page.get_by_role("navigation", name="Nodes")
    stage = ann.page.locator(".pf-canvas")
    palette.get_by_role("button", name="Notify").drag_to(
        stage, target_position={"x": 200, "y": 320}
    )
    ann.node("notify").wait_for()
    ann.page.get_by_role("button", name="Save the draft").click()
    ann.page.get_by_text("The draft is saved").wait_for()
    nodes = {one["id"]: one for one in stored(site, "moved")["design"]["nodes"]}
    assert nodes["ask"]["position"]["y"] > 40
    assert nodes["ask"]["position"]["x"] == 240
    assert nodes["end"] == design("moved")["nodes"][2]
    assert nodes["notify"]["type"] == "notify"


def test_two_who_edit_at_once_notice_each_other(site: Site, visitors: Visitors) -> None:
    ann = edited(site, visitors, "both")
    other = design("both") | {"name": "of the other"}
    with site.client("root") as root:
        assert root.put("/designs/both", json={"design": other, "revision": 1}).status_code == 200
    ann.node("ask").click()
    ann.page.get_by_label("Label", exact=True).fill("mine")
    ann.page.get_by_role("button", name="Save the draft").click()
    ann.page.get_by_text("Somebody else has saved this draft meanwhile").wait_for()
    assert stored(site, "both")["design"]["name"] == "of the other"
    ann.page.get_by_role("button", name="Overwrite").click()
    eventually(lambda: stored(site, "both")["design"]["nodes"][1]["data"]["label"] == "mine")
    ann.complaints = [one for one in ann.complaints if "409" not in one]


def test_whoever_leaves_without_saving_is_asked(site: Site, visitors: Visitors) -> None:
    ann = edited(site, visitors, "left")
    ann.node("ask").click()
    ann.page.get_by_label("Label", exact=True).fill("lost?")
    ann.page.get_by_role("link", name="Runs").click()
    ann.page.get_by_role("button", name="Stay").click()
    assert ann.page.url.endswith("/designs/left/edit")
    ann.page.get_by_role("link", name="Runs").click()
    ann.page.get_by_role("button", name="Leave", exact=True).click()
    ann.page.wait_for_url("**/runs")


def test_a_member_may_look_but_not_draw(site: Site, visitors: Visitors) -> None:
    ben = visitors("ben", "en-GB")
    ben.visit("/new")
    ben.page.get_by_text("Only designers may edit workflows").wait_for()
