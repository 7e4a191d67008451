"""`Task[Model]`: handlers get their input as the type that they declare."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypedDict

import inngest
import pytest
from proflow_runtime import Flow, Result, Task
from proflow_runtime.local import LocalEngine
from pydantic import BaseModel, ConfigDict, Field

from .conftest import Register
from .driving import executions, start

if TYPE_CHECKING:
    from decimal import Context

pytestmark = pytest.mark.anyio


class Line(BaseModel):
    sku: str
    price: Decimal


class Order(BaseModel):
    model_config = ConfigDict(strict=True)
    number: str = Field(alias="orderNumber")
    due: datetime
    lines: list[Line] = []


class Named(TypedDict):
    name: str


@dataclass
class Point:
    x: int
    y: int = 0


ORDER = {
    "orderNumber": "A-1",
    "due": "2026-01-05T09:00:00Z",
    "lines": [{"sku": "pen", "price": 1.1}],
}


async def test_a_model_is_validated_as_json(client: inngest.Inngest, register: Register) -> None:
    seen: list[Order] = []

    async def pay(task: Task[Order]) -> str:
        seen.append(task.input)
        return task.input.number

    async def body(flow: Flow) -> Result:
        return flow.end("end", output=await flow.run("pay", pay, ORDER))

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert run.output is not None
        assert run.output["output"] == "A-1"
    assert seen[0].due == datetime(2026, 1, 5, 9, tzinfo=UTC)
    assert seen[0].lines[0].price == Decimal("1.1")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "`input.orderNumber`: field required; `input.due`: field required"),
        (
            {**ORDER, "lines": [{"sku": "pen", "price": "dear"}]},
            "`input.lines[0].price`: input should be a valid decimal",
        ),
        (None, "`input`: input should be an object"),
    ],
)
async def test_an_input_that_does_not_fit_fails_the_node_at_once_and_says_which_field(
    client: inngest.Inngest, register: Register, given: Any, told: str
) -> None:
    async def pay(task: Task[Order]) -> None:
        raise AssertionError("never called")

    async def body(flow: Flow) -> Result:
        await flow.run("pay", pay, given)
        return flow.end("end")

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert run.status == "Failed"
        assert executions(run)["pay"] == 1
        assert run.error is not None
        assert (
            "the input of node `pay` is not what the handler `pay` takes: " + told
            in run.error["message"]
        )


async def test_typed_dicts_and_dataclasses_are_types_of_inputs_too(
    client: inngest.Inngest, register: Register
) -> None:
    async def greet(task: Task[Named]) -> str:
        return f"hello {task.input['name']}"

    async def add(task: Task[Point]) -> int:
        return task.input.x + task.input.y

    async def total(task: Task[list[int]]) -> int:
        return sum(task.input)

    async def body(flow: Flow) -> Result:
        name = await flow.run("greet", greet, {"name": "Ada"})
        x = await flow.run("add", add, {"x": 3})
        return flow.end("end", output=[name, x, await flow.run("total", total, [1, 2])])

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert run.output is not None
        assert run.output["output"] == ["hello Ada", 3, 3]


async def test_a_type_that_is_not_known_at_run_time_is_named(
    client: inngest.Inngest, register: Register
) -> None:
    async def pay(task: "Task[Context]") -> None: ...

    async def body(flow: Flow) -> Result:
        await flow.run("pay", pay)
        return flow.end("end")

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert run.error is not None
        assert "`Context` of `Task[Context]` is not known at run time" in run.error["message"]
