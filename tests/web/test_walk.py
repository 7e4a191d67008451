"""A purchase waits for the manager, who approves it in the inbox: the picture moves by itself."""

import signal

from web.conftest import Visitors
from web.site import Site

MOVES_WITHIN_MS = 1000


def test_the_picture_moves_as_the_manager_approves(site: Site, visitors: Visitors) -> None:
    run = site.purchase()
    watching, other = visitors("ann", "en-GB"), visitors("ann", "zh-CN", width=400)
    manager = visitors("ben", "zh-CN")
    for one in (watching, other):
        one.visit(f"/runs/{run}")
        one.wait_for_status("manager", "waiting")
        one.wait_for_status("directors", "pending")
    assert "Waiting" in watching.node("manager").inner_text()
    assert "等待中" in other.node("manager").inner_text()
    watching.page.evaluate("window.neverLoadedAgain = true")

    manager.visit("/inbox")
    manager.page.get_by_role("button", name="部门经理审批").first.click()
    manager.page.get_by_text("26000").wait_for()
    manager.page.get_by_label("审批意见").fill("同意采购")
    approve = manager.page.get_by_role("button", name="同意", exact=True)
    if not approve.count():  # antd writes two characters apart
        approve = manager.page.get_by_role("button", name="同 意", exact=True)
    approve.click()
    for one in (watching, other):
        one.wait_for_status("manager", "completed", MOVES_WITHIN_MS)
        one.wait_for_status("directors", "waiting", MOVES_WITHIN_MS)
    assert watching.page.evaluate("window.neverLoadedAgain") is True
    edge = watching.page.locator('g[data-edge*="managerapproved"]')
    assert edge.get_attribute("data-state") == "taken"
    refused = watching.page.locator('g[data-edge*="managerrejected"]')
    assert refused.get_attribute("data-state") == "skipped"
    manager.page.get_by_text("同意采购").first.wait_for()

    site.approve("dora", run)
    for one in (watching, other):
        one.wait_for_status("end-approved", "completed")
        one.wait_for_status("end-refused", "skipped")
    watching.page.get_by_text("ended", exact=True).wait_for()


def test_a_page_catches_up_after_the_service_was_killed(site: Site, visitors: Visitors) -> None:
    run = site.purchase()
    watching = visitors("ann", "en-GB")
    watching.visit(f"/runs/{run}")
    watching.page.get_by_text("live", exact=True).wait_for()
    watching.wait_for_status("manager", "waiting")
    site.end(signal.SIGKILL)
    watching.page.get_by_text("reconnecting").wait_for()
    site.start()
    site.approve("ben", run)
    watching.wait_for_status("manager", "completed")
    watching.page.get_by_text("live", exact=True).wait_for()
    # That the service was away is told by the browser itself.
    watching.complaints = [
        one
        for one in watching.complaints
        if "ERR_CONNECTION" not in one and "WebSocket connection" not in one
    ]


def test_a_run_is_started_from_its_form(site: Site, visitors: Visitors) -> None:
    ann = visitors("ann", "en-GB")
    ann.visit("/designs/purchase-approval/start")
    ann.page.get_by_role("button", name="Start", exact=True).click()
    assert ann.page.get_by_text("Required").count() == 3
    ann.page.get_by_label("amount").fill("12")
    ann.page.get_by_label("order_id").fill("<b>7</b>")
    ann.page.get_by_label("applicant").fill("ann")
    ann.page.get_by_role("button", name="Start", exact=True).click()
    ann.wait_for_status("manager", "waiting")
    ann.node("manager").click()
    ann.page.get_by_role("region", name="部门经理审批").wait_for()
    ann.page.get_by_role("tab", name="History").click()
    ann.page.get_by_role("tabpanel").get_by_text("部门经理审批").wait_for()


def test_what_is_wrong_with_a_token_is_said(site: Site, visitors: Visitors) -> None:
    stranger = visitors("ann", "en-GB")
    stranger.page.goto(f"{site.address}/#token=pf_wrong")
    stranger.page.get_by_text("not valid").wait_for()
    stranger.page.get_by_label("Access token").fill(site.tokens["ann"])
    stranger.page.get_by_role("button", name="Sign in").click()
    stranger.page.get_by_role("link", name="采购审批").wait_for()
    assert "token" not in stranger.page.url
    stranger.complaints = [one for one in stranger.complaints if "401" not in one]
