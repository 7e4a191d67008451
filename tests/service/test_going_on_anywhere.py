"""Random designs, a step of which fails for good: going on gives what a run that never failed gives.

The designs are made of what does not depend on time (no early joins, nothing that ends early), so that
both runs have one right end. Each effect happens exactly once, and nobody is asked twice.
"""

from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from proflow_runtime.store.models import AuditEntry, Run, StepResult
from service.going_on import Virtual, Works, virtual
from stored.office import publish

pytestmark = [pytest.mark.anyio, pytest.mark.long]
CHILD = "child"


@dataclass
class Growing:
    """A design that grows by blocks in a row, beside each other, and inside containers."""

    random: Random
    nodes: list[dict[str, Any]] = field(default_factory=list)
    edges: list[dict[str, Any]] = field(default_factory=list)

    def add(self, kind: str, config: Any = None, parent: str | None = None) -> str:
        name = f"{kind}{len(self.nodes)}"
        node = {"id": name, "type": kind, "data": {"config": config or {}}}
        if parent is not None:
            node["parentId"] = parent
        self.nodes.append(node)
        return name

    def edge(self, source: str, target: str, handle: str | None = None) -> None:
        edge = {"source": source, "target": target}
        self.edges.append(edge if handle is None else {**edge, "sourceHandle": handle})

    def row(self, length: int, depth: int, parent: str | None) -> tuple[str, str]:
        first, last = self.block(depth, parent)
        for _ in range(length - 1):
            entry, end = self.block(depth, parent)
            self.edge(last, entry)
            last = end
        return first, last

    def block(self, depth: int, parent: str | None) -> tuple[str, str]:
        kinds = ["task", "task", "approval", "delay", "subprocess", "set"]
        if depth:
            kinds += ["fork", "fork", "foreach", "loop", "caught"]
        match self.random.choice(kinds):
            case "fork":
                fork = self.add("parallel", parent=parent)
                join = self.add("join", {"mode": "all"}, parent)
                for _ in range(self.random.randint(2, 3)):
                    entry, end = self.row(self.random.randint(1, 2), depth - 1, parent)
                    self.edge(fork, entry)
                    self.edge(end, join)
                return fork, join
            case "foreach":
                items = {"items": str(list(range(self.random.randint(1, 3))))}
                if self.random.random() < 0.5:
                    items["maxConcurrency"] = 1  # type: ignore[assignment]
                return self.container("foreach", items, depth, parent)
            case "loop":
                return self.container("loop", {"maxIterations": 2}, depth, parent)
            case "caught":
                # Fails always, and is handled: that stands.
                fails = self.add("task", {"handler": "always"}, parent)
                after = self.add("task", {"handler": "work"}, parent)
                self.edge(fails, after, "error")
                join = self.add("join", {"mode": "active"}, parent)
                self.edge(fails, join)
                self.edge(after, join)
                return fails, join
            case "approval":
                found = self.add("approval", {"approverIds": ["wang"]}, parent)
            case "delay":
                found = self.add("delay", {"duration": f"{self.random.randint(1, 90)}m"}, parent)
            case "subprocess":
                found = self.add("subprocess", {"workflow": CHILD, "input": {}}, parent)
            case "set":
                found = self.add("set", {"values": {"a": "1 + 1"}}, parent)
            case kind:
                found = self.add(kind, {"handler": "work"}, parent)
        return found, found

    def container(self, kind: str, config: Any, depth: int, parent: str | None) -> tuple[str, str]:
        name = self.add(kind, config, parent)
        self.row(self.random.randint(1, 2), depth - 1, name)
        return name, name


def grown(code: str, size: int, depth: int, random: Random) -> dict[str, Any]:
    growing = Growing(random)
    start = growing.add("start")
    first, last = growing.row(size, depth, None)
    end = growing.add("end", {"output": {"run": "done"}})
    growing.edge(start, first)
    growing.edge(last, end)
    return {"id": code, "nodes": growing.nodes, "edges": growing.edges}


async def settled(at: Virtual, wang: httpx.AsyncClient) -> int:
    """Run until nothing is left to do, with all approved; how many were."""
    asked = 0
    while True:
        await at.settle()
        found = (await wang.get("/api/approvals")).json()["items"]
        for one in found:
            acts = f"/api/approvals/{one['id']}/acts"
            assert (await wang.post(acts, json={"act": "approve"})).status_code == 200
        asked += len(found)
        if not found:
            return asked


def shown(status: dict[str, Any]) -> dict[str, Any]:
    """What of a run does not depend on when it ran."""
    nodes = {
        name: {key: node.get(key) for key in ("status", "outcome", "items", "round")}
        for name, node in status["nodes"].items()
    }
    return {"nodes": nodes, **{key: status[key] for key in ("status", "result", "output")}}


async def compared(design: dict[str, Any], child: dict[str, Any], random: Random) -> bool:
    """Run a design that never fails and one that does; False if nothing in it can fail."""
    works = Works()

    async def always(task: Any) -> Any:
        works.broken.add(task.node_id)
        try:
            return await works.work(task)
        finally:
            works.broken.discard(task.node_id)

    async with virtual({"work": works.work, "always": always}) as at:
        ann, wang = await at.user("ann"), await at.user("wang")

        async def run(broken: list[str]) -> tuple[dict[str, Any], int]:
            run_id = await at.proflow.start(tenant_id=1, workflow="grown", initiator="ann")
            works.effects.clear()
            asked = 0
            for node in [*broken, ""]:
                works.broken = {node}
                asked += await settled(at, wang)
                found = (await ann.get(f"/api/runs/{run_id}")).json()
                if node and found["status"] == "failed":
                    answer = await ann.post(f"/api/runs/{run_id}/retry")
                    assert answer.status_code == 201, answer.text
            assert found["status"] == "completed", found["error"]
            assert await StepResult.filter(run_id=run_id).count() == 0
            return shown(found), asked

        whole, asked = await run([])
        effects = dict(works.effects)
        nodes = sorted({step.split("[")[0].split("#")[0] for step in effects})
        if not nodes:
            return False
        broken = random.sample(nodes, min(2, len(nodes)))
        note(broken)
        again, asked_again = await run(broken)
    assert dict(works.effects) == effects
    assert again == whole
    assert asked_again == asked
    return bool(await Run.filter(attempt__gt=1).exists())


async def emptied() -> None:
    await AuditEntry.all().delete()
    await Run.all().delete()


def test_going_on_gives_what_a_run_that_never_failed_gives(
    sqlite_template: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    import asyncio
    import shutil

    from proflow_runtime.store.database import connect

    went_on = 0

    @settings(
        max_examples=25,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(size=st.integers(1, 4), random=st.randoms(use_true_random=False))
    def each(size: int, random: Random) -> None:
        nonlocal went_on
        design = grown("grown", size, 2, random)
        child = grown(CHILD, 2, 0, random)
        for node in child["nodes"]:
            if node["type"] == "subprocess":
                node["type"], node["data"] = "task", {"config": {"handler": "work"}}
        note((design, child))

        async def played() -> bool:
            path = tmp_path_factory.mktemp("going") / "test.db"
            shutil.copyfile(sqlite_template, path)
            async with connect(f"sqlite://{path}"):
                await publish(1, child)
                await publish(1, design)
                return await compared(design, child, random)

        went_on += asyncio.run(played())

    each()
    assert went_on > 12
