"""A client, and functions of workflows for the local engine."""

from collections.abc import Callable
from typing import Any

import inngest
import pytest
from proflow_runtime.programs.decorator import Body, workflow


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def client() -> inngest.Inngest:
    return inngest.Inngest(app_id="test", is_production=False)


Register = Callable[..., inngest.Function[Any]]


@pytest.fixture
def register(client: inngest.Inngest) -> Register:
    """A body as an Inngest function `x`, triggered by `x/start`."""

    def register(body: Body, *, retries: int = 4, **settings: Any) -> inngest.Function[Any]:
        trigger = inngest.TriggerEvent(event="x/start")
        create = client.create_function(fn_id="x", trigger=trigger, retries=retries)
        return create(workflow(id="x", digest="sha256:0", **settings)(body))

    return register
