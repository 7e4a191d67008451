"""Going on from a failure, on a real Inngest server and on the local engine: another run there, which
finds what the steps of the first have returned."""

from collections import Counter
from typing import Any

import inngest
import pytest
from live.kinds import KINDS
from live.worlds import world
from proflow_runtime import Task
from proflow_runtime.service.going_on import Again
from stored.office import drawn, line

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("kind", KINDS)]


async def test_what_was_done_beside_and_before_the_failure_is_not_done_again(
    database: str, kind: str
) -> None:
    done: Counter[str] = Counter()
    broken = {"item[1]", "c2"}

    async def work(task: Task) -> Any:
        step = task.idempotency_key.split(":", 1)[1]
        if step in broken:
            raise inngest.NonRetriableError(f"{step} is broken")
        done[step] += 1
        return {"did": step}

    design = drawn(
        "whole",
        {
            "start": ("start", {}),
            "a": ("task", {"handler": "work"}),
            "b": ("task", {"handler": "work"}),
            "ask": ("approval", {"approverIds": ["ben"]}),
            "nap": ("delay", {"duration": "1s"}),
            "join": ("join", {"mode": "all"}),
            "each": ("foreach", {"items": "event.data.items"}),
            "call": ("subprocess", {"workflow": "child", "input": {}}),
            "last": ("task", {"handler": "work"}),
            "end": ("end", {"output": {"each": "${steps.each.output}"}}),
        },
        [
            *(("start", "a"), ("start", "ask"), ("start", "nap"), ("nap", "b")),
            *(("a", "join"), ("b", "join"), ("ask", "join"), ("join", "each")),
            *(("each", "call"), ("call", "last"), ("last", "end")),
        ],
    )
    item = {"handler": "work", "input": {"i": "${item}"}}
    design["nodes"].append(
        {"id": "item", "type": "task", "parentId": "each", "data": {"config": item}}
    )
    child = line("child", ("c1", "task", {"handler": "work"}), ("c2", "task", {"handler": "work"}))
    async with world(kind, {"work": work}) as at:
        await at.publish(child)
        await at.publish(design)
        run = await at.begin("whole", items=[1, 2, 3])
        await at.approve("ben")
        assert (await at.ended(run))["status"] == "failed"
        assert "item[1]" not in done
        broken.discard("item[1]")
        await at.proflow.retry(1, run)
        assert (await at.ended(run))["status"] == "failed"
        assert (done["c1"], done["c2"], done["last"]) == (1, 0, 0)
        broken.discard("c2")
        corrected = Again(data={"items": [1, 2, 3], "more": True}, reason="for the books")
        assert await at.proflow.retry(1, run, corrected, by="root") == run
        found = await at.ended(run)
        assert (found["status"], found["attempt"]) == ("completed", 3)
        assert found["output"] == {"each": [{"did": f"item[{i}]"} for i in range(3)]}
        assert (await at.proflow.approvals.inbox(1, "ben")).items == []
    steps = ("a", "b", "item[0]", "item[1]", "item[2]", "c1", "c2", "last")
    assert done == dict.fromkeys(steps, 1)
