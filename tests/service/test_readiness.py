"""What a host lacks is said when a design is checked and published, at its node."""

import json
from pathlib import Path
from typing import Any

import pytest
from proflow_runtime.approvals import ApproverSpec, Context, TableResolver
from proflow_runtime.handlers.channels import Channels
from proflow_runtime.handlers.task import Task
from proflow_runtime.service.checking import checked_versions
from proflow_runtime.service.readiness import HostReadiness
from proflow_runtime.store import people
from proflow_schemas.readiness import Need
from service.house import House, house
from stored.office import line, publish

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("database")]
SMTP = {"PROFLOW_SMTP_HOST": "mail", "PROFLOW_SMTP_FROM": "a@example.com"}


async def kept() -> None:
    await people.add_department(1, "hr", "HR", head="eve")
    await people.add_department(1, "empty", "Empty")
    await people.add(1, "wang.wei", "Wang Wei", roles=["finance"])


async def published(at: House, canvas: dict[str, Any]) -> Any:
    """The diagnostics with which a design is refused; the same as a check's."""
    async with await at.user("ann", 1, "designs:write") as ann:
        checked = (await ann.post("/api/designs/check", json={"design": canvas})).json()
        saved = await ann.post("/api/designs", json={"design": canvas})
        assert saved.status_code == 201, saved.text
        answer = await ann.post(f"/api/designs/{canvas['id']}/publish")
        if answer.status_code == 200:
            assert checked["ok"]
            return []
        assert (answer.status_code, answer.json()["code"]) == (422, "design-has-errors")
        assert answer.json()["diagnostics"] == checked["diagnostics"]
        return answer.json()["diagnostics"]


def told(diagnostics: Any) -> list[tuple[str, str, str]]:
    return [(one["code"], one["level"], one["message"]) for one in diagnostics]


def asking(*ids: Any, kind: str = "user", **more: Any) -> dict[str, Any]:
    config = {"approverType": kind, **({"approverIds": list(ids)} if ids else {}), **more}
    return line("ask", ("boss", "approval", config))


@pytest.mark.parametrize(
    ("canvas", "message"),
    [
        (asking("wang.wie"), "there is no user `wang.wie`"),
        (asking("fianance", kind="role"), "nobody has the role `fianance`"),
        (asking("hrr", kind="department"), "there is no department `hrr`"),
        (asking("empty", kind="department"), "the department `empty` has no head"),
        (
            asking("wang.wei", emptyApproverPolicy="fallbackUser", fallbackApproverIds=["nobody"]),
            "there is no user `nobody`",
        ),
        (
            line("ask", ("boss", "notify", {"channel": "sms", "to": "1", "content": "x"})),
            "the channel `sms` is not registered",
        ),
        (
            line("ask", ("boss", "subprocess", {"workflow": "other"})),
            "the workflow `other` is not published",
        ),
    ],
)
async def test_what_can_never_work_is_refused_with_its_node(
    canvas: dict[str, Any], message: str
) -> None:
    await kept()
    async with house() as at:
        (found,) = await published(at, canvas)
    assert (found["code"], found["level"], found["node"]) == ("PF321", "error", "boss")
    assert found["message"] == f"`boss`: {message}"


@pytest.mark.parametrize(
    "canvas",
    [
        asking("wang.wei"),
        asking("eve", "ann"),  # the head of a department; somebody with a token
        asking("finance", kind="role"),
        asking("hr", kind="department"),
        asking(kind="department"),
        asking(kind="manager"),
        asking("approver", kind="form"),
        line("ask", ("boss", "notify", {"channel": "${event.data.by}", "to": "1"})),
    ],
)
async def test_what_may_work_is_published(canvas: dict[str, Any]) -> None:
    await kept()
    await people.add(1, "eve", "Eve")
    async with house() as at:
        assert await published(at, canvas) == []


async def test_nothing_is_said_of_people_whom_the_tables_do_not_keep() -> None:
    async with house() as at:
        assert await published(at, asking("host-17")) == []


async def test_the_sample_of_approvers_without_ids() -> None:
    text = Path(__file__).parents[2] / "fixtures/readiness/approvers-without-ids.json"
    canvas = {**json.loads(text.read_text()), "id": "k2"}
    async with house() as at:
        found = await published(at, canvas)
    assert [(one["node"], one["code"], one["level"]) for one in found] == [
        ("a", "PF321", "error"),
        ("b", "PF321", "error"),
        ("c", "PF321", "warning"),
    ]


async def test_a_hosts_resolver_says_who_exists_if_it_knows() -> None:
    class Known(TableResolver):
        async def why_nobody(self, tenant_id: int, spec: ApproverSpec) -> str | None:
            return None if spec.value == "7" else f"{spec} left"

    class Plain:
        async def resolve(self, tenant_id: int, spec: ApproverSpec, context: Context) -> list[str]:
            return []

    needs = [Need("approver", "user:7"), Need("approver", "user:8")]
    found = await HostReadiness(Known(), None).lacks(1, needs)
    assert {need.name: lack.message for need, lack in found.items()} == {"user:8": "user:8 left"}
    assert await HostReadiness(Plain(), None).lacks(1, needs) == {}


async def test_settings_that_are_missing_now_are_warnings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in (*SMTP, "OPENAI_API_KEY", "PROFLOW_AI_MODEL"):
        monkeypatch.delenv(name, raising=False)
    needs = [Need("mail"), Need("model", "gpt"), Need("model")]
    asked = HostReadiness(TableResolver(), Channels())
    found = await asked.lacks(1, needs)
    assert {need: lack.passing for need, lack in found.items()} == dict.fromkeys(needs, True)
    assert "`PROFLOW_SMTP_HOST` is not set" in found[needs[0]].message
    assert "`OPENAI_API_KEY` is not set" in found[needs[1]].message
    for name, value in {**SMTP, "OPENAI_API_KEY": "k"}.items():
        monkeypatch.setenv(name, value)
    (left,) = (await asked.lacks(1, needs)).items()
    assert (left[0], "PROFLOW_AI_MODEL" in left[1].message) == (needs[2], True)
    monkeypatch.setenv("PROFLOW_SMTP_PORT", "many")
    assert (await asked.lacks(1, needs))[needs[0]].passing


async def test_a_registered_channel_is_known() -> None:
    async def send(task: Task) -> None: ...

    async with house() as at:
        at.proflow.register_channel("sms", send)
        node = ("boss", "notify", {"channel": "sms", "to": "1", "content": "x"})
        assert await published(at, line("ask", node)) == []


async def test_published_designs_are_checked_for_their_own_tenants() -> None:
    await kept()
    for tenant in (1, 2):
        await publish(tenant, asking("nobody"))
    readiness = HostReadiness(TableResolver(), None)
    found = [one async for one in checked_versions(None, readiness=readiness)]
    assert [(one.version.tenant_id, one.ok) for one in found] == [(1, False), (2, True)]
