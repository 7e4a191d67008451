"""Who may start a workflow by the API: `start.who` of the design, and the hook of the host."""

import asyncio
import json
from typing import Any

import pytest
from proflow_compiler.pipeline import compile_reading
from proflow_compiler.reader import read
from proflow_runtime.service import Principal
from proflow_runtime.store import people
from proflow_runtime.store.models import Run
from proflow_runtime.store.models.runs import NodeStateRow
from service.house import house, until
from stored.office import line

pytestmark = pytest.mark.anyio


def buying(who: Any) -> Any:
    design = line("buy", ("nap", "delay", {"duration": "1h"}), trigger={"event": "buy/asked"})
    design["nodes"][0]["data"] = {"who": who}
    return design


async def publish(at: Any, who: Any) -> None:
    ann = await at.user("ann", 1, "designs:write")
    assert (await ann.post("/api/designs", json={"design": buying(who)})).status_code == 201
    answer = await ann.post("/api/designs/buy/publish")
    assert answer.status_code == 200, answer.text


async def at_rest() -> None:
    """Wait until every run sleeps or has ended."""

    async def resting() -> bool:
        asleep = await NodeStateRow.filter(node="nap", status="waiting").values_list(
            "run_id", flat=True
        )
        runs = await Run.all()
        return all(one.ended_at is not None or one.id in asleep for one in runs)

    await until(resting)
    await asyncio.sleep(0.2)


@pytest.mark.parametrize(
    ("who", "statuses", "code"),
    [
        (None, [201, 201, 201], None),
        ({"roles": ["buyer"]}, [201, 403, 403], "may-not-start"),
        ({"people": ["cat"]}, [403, 201, 403], "may-not-start"),
        ({"roles": ["buyer"], "people": ["cat"]}, [201, 201, 403], "may-not-start"),
        ("hosts", [403, 403, 403], "started-by-host"),
    ],
)
async def test_the_design_says_who(
    database: str, who: Any, statuses: list[int], code: str | None
) -> None:
    async with house() as at:
        await publish(at, who)
        await people.add(1, "ben", "Ben", roles=["buyer"])
        found = []
        # Permissions are no way around it.
        for one in (await at.user("ben"), await at.user("cat"), await at.admin("root")):
            answer = await one.post("/api/runs", json={"workflow": "buy"})
            found.append(answer.status_code)
            if answer.status_code == 403:
                assert answer.json()["code"] == code
        assert found == statuses
        # The host's own code is not limited, nor are events.
        await at.proflow.start(tenant_id=1, workflow="buy", initiator="cat")
        await at.engine.send({"name": "buy/asked", "data": {"tenant_id": 1}})

        async def all_begun() -> bool:
            return await Run.all().count() == found.count(201) + 2

        await until(all_begun)
        await at_rest()


async def test_the_initiator_of_a_run_of_the_host_cannot_start_it_again(database: str) -> None:
    async with house() as at:
        await publish(at, "hosts")
        run = await at.proflow.start(tenant_id=1, workflow="buy", initiator="cat")
        await at_rest()
        cat, root = await at.user("cat"), await at.admin("root")
        assert (await cat.post(f"/api/runs/{run}/cancel")).status_code == 202

        async def over() -> bool:
            return bool((await cat.get(f"/api/runs/{run}")).json()["status"] == "cancelled")

        await until(over)
        assert (await cat.post(f"/api/runs/{run}/retry")).status_code == 403
        assert (await root.post(f"/api/runs/{run}/retry")).status_code == 201
        await at_rest()


async def test_the_host_is_asked(database: str) -> None:
    asked = []

    async def may_start(principal: Principal, workflow: str, data: Any) -> bool:
        asked.append((principal.user, workflow, data))
        return bool(data.get("amount", 0) < 100)

    async with house() as at:
        at.proflow._may_start = may_start
        await publish(at, {"people": ["cat"]})
        cat, dan = await at.user("cat"), await at.user("dan")
        for client, amount, status in ((cat, 5, 201), (cat, 500, 403), (dan, 5, 403)):
            body = {"workflow": "buy", "data": {"amount": amount}}
            assert (await client.post("/api/runs", json=body)).status_code == status
        # The hook is not asked about who is excluded already.
        assert asked == [("cat", "buy", {"amount": 5}), ("cat", "buy", {"amount": 500})]
        await at_rest()


@pytest.mark.parametrize(
    "who",
    [{}, {"roles": []}, {"role": ["buyer"]}, "everybody", [], {"people": [""]}, {"people": 7}],
)
def test_nonsense_is_refused_at_its_place(who: Any) -> None:
    reading = read(json.dumps(buying(who)).encode(), "buy.json")
    found = compile_reading(reading, stored=True)
    errors = [one for one in (*reading.diagnostics, *found.diagnostics) if one.level == "error"]
    assert {one.code for one in errors} == {"PF101"}
    assert all("/who" in one.pointer for one in errors)
    assert found.definitions == []
