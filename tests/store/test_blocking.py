"""A blocked run is released with growing pauses, so that a mixed deployment does not spin."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from proflow_runtime.context import clock
from proflow_runtime.handlers.blocked import UNBLOCKED
from proflow_runtime.store import blocking
from proflow_runtime.store.models import OutboxEvent, Run

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("database")]
WHY = {"node": "boss", "reason": "handler", "subject": "work", "message": "there is none"}


async def entry() -> Any:
    run = await Run.get(id="run")
    return None if run.blocked is None else run.blocked.get("step")


async def test_pauses_grow_while_it_is_blocked_again() -> None:
    now = clock.now()
    await Run.create(
        id="run", tenant_id=1, workflow="w", version=1, digest="d", event={}, created_at=now
    )
    assert await blocking.block(1, "run", "step", **WHY)
    assert not await blocking.block(1, "run", "step", **WHY)
    assert blocking.is_due(await entry())
    since = (await entry())["since"]
    pauses = []
    for _ in range(9):
        assert await blocking.release(1, "run", event=UNBLOCKED)
        released = await entry()
        at = datetime.fromisoformat(released["released_at"])
        pause = timedelta(0)
        while not blocking.is_due({**released, "released_at": (at - pause).isoformat()}):
            pause += timedelta(seconds=5)
        pauses.append(round(pause.total_seconds(), -1))
        assert not await blocking.block(1, "run", "step", **WHY)
        assert (await entry())["since"] == since
    assert pauses == [10, 20, 40, 80, 160, 320, 600, 600, 600]
    assert await OutboxEvent.filter(name="proflow/unblocked").count() == 9
    await blocking.clear(1, "run", "step")
    run = await Run.get(id="run")
    assert (run.blocked, run.blocked_at) == (None, None)
    assert not await blocking.release(1, "run", event=UNBLOCKED)
