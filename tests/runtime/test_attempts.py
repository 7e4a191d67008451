"""How often a node is tried, when, and what its failure says."""

import asyncio
import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any

import inngest
import pytest
from proflow_runtime import Flow, Result, Retry, Task
from proflow_runtime.context import clock
from proflow_runtime.flow.attempts import Attempt
from proflow_runtime.local import LocalEngine, RunRecord
from pydantic import BaseModel, ConfigDict, PlainSerializer
from pydantic.alias_generators import to_camel

from .conftest import Register
from .driving import start

pytestmark = pytest.mark.anyio


def message(run: RunRecord) -> str:
    assert run.status == "Failed"
    assert run.error is not None
    return str(run.error["message"])


class Flaky:
    """A handler that fails so often, and keeps the times."""

    def __init__(self, failures: int, error: Exception | None = None) -> None:
        self.failures = failures
        self.error = error or RuntimeError("boom")
        self.times: list[datetime] = []

    async def __call__(self, task: Task) -> Any:
        self.times.append(clock.now())
        if len(self.times) <= self.failures:
            raise self.error
        return {"keys": task.idempotency_key, "attempt": task.attempt}

    @property
    def gaps(self) -> list[float]:
        return [
            (later - earlier).total_seconds()
            for earlier, later in zip(self.times, self.times[1:], strict=False)
        ]


async def test_a_policy_is_honoured_exactly(client: inngest.Inngest, register: Register) -> None:
    flaky = Flaky(5)

    async def body(flow: Flow) -> Result:
        retry = Retry(6, initial_interval="5s", max_interval="1m", multiplier=3)
        await flow.run("a", flaky, retry=retry)
        return flow.end("end", output=flow.get("steps.a.output"))

    async with LocalEngine(client, [register(body, retries=5)]) as engine:
        run = await start(engine)
        assert run.output["output"] == {"keys": f"{run.id}:a", "attempt": 6}
        assert flaky.gaps == [5, 15, 45, 60, 60]


async def test_a_policy_is_honoured_exactly_inside_an_arm(
    client: inngest.Inngest, register: Register
) -> None:
    flaky, other = Flaky(9), Flaky(0)

    async def body(flow: Flow) -> Result:
        async def left() -> None:
            await flow.run("a", flaky, retry=Retry(3, initial_interval=10))

        async def right() -> None:
            await flow.sleep("nap", timedelta(seconds=5))
            await flow.run("b", other)

        await flow.parallel(left, right)
        return flow.end("end")

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert message(run) == "step `a` failed after 3 attempts: RuntimeError: boom"
        assert flaky.gaps == [10, 20]
        assert (other.times[0] - flaky.times[0]).total_seconds() == 5


@pytest.mark.parametrize("attempts", [1, 2, 5])
async def test_without_a_policy_the_designs_attempts_count(
    client: inngest.Inngest, register: Register, attempts: int
) -> None:
    flaky = Flaky(99)

    async def body(flow: Flow) -> Result:
        await flow.run("a", flaky)
        return flow.end("end")

    engine = LocalEngine(
        client,
        [register(body, max_attempts=attempts)],
        retry_backoff=lambda attempt: timedelta(seconds=attempt + 1),
    )
    async with engine:
        run = await start(engine)
        times = "1 attempt" if attempts == 1 else f"{attempts} attempts"
        assert message(run) == f"step `a` failed after {times}: RuntimeError: boom"
        assert flaky.gaps == [float(n) for n in range(1, attempts)]


async def test_an_error_that_is_not_to_be_retried_is_not(
    client: inngest.Inngest, register: Register
) -> None:
    flaky = Flaky(9, inngest.NonRetriableError("no such order"))

    async def body(flow: Flow) -> Result:
        await flow.run("a", flaky, retry=Retry(5, initial_interval=1))
        return flow.end("end")

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert message(run) == "step `a` failed after 1 attempt: no such order"
        assert len(flaky.times) == 1


async def test_a_handlers_own_pause_is_honoured(
    client: inngest.Inngest, register: Register
) -> None:
    class Busy(Flaky):
        async def __call__(self, task: Task) -> Any:
            self.error = inngest.RetryAfterError("busy", timedelta(seconds=90))
            return await super().__call__(task)

    busy = Busy(2)

    async def body(flow: Flow) -> Result:
        await flow.run("a", busy, retry=Retry(3, initial_interval=1))
        return flow.end("end")

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert run.status == "Completed"
        assert busy.gaps == [90, 90]


async def test_a_timeout_is_a_failed_attempt(client: inngest.Inngest, register: Register) -> None:
    import anyio

    async def slow(task: Task) -> None:
        await anyio.sleep(30)

    async def body(flow: Flow) -> Result:
        await flow.run("a", slow, timeout=0.01, retry=Retry(2, initial_interval=1))
        return flow.end("end")

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert message(run) == "step `a` failed after 2 attempts: timed out after 0.01 s"


async def test_a_handlers_own_timeout_keeps_its_message(
    client: inngest.Inngest, register: Register
) -> None:
    flaky = Flaky(9, TimeoutError("the database is slow"))

    async def body(flow: Flow) -> Result:
        await flow.run("a", flaky, timeout="30s", retry=Retry(1))
        return flow.end("end")

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert message(run) == "step `a` failed after 1 attempt: the database is slow"


DEEP: list[Any] = []
for _ in range(300):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    ("output", "complaint"),
    [
        ({"a": (object(),)}, "the output.a[0] is a `object`, which is not JSON"),
        ([1, math.nan], "the output[1] is `nan`, which is not JSON"),
        ([math.inf], "the output[0] is `inf`, which is not JSON"),
        ({"a": [{(1,): 2}]}, "the output.a[0] has the key `(1,)`, which is not a text"),
        (2**53, "the output is a number beyond ±(2^53 − 1), return it as a text"),
        ({"a": [-1e16]}, "the output.a[0] is a number beyond ±(2^53 − 1), return it as a text"),
        (10**400, "the output is a number beyond ±(2^53 − 1), return it as a text"),
        ([Decimal("1e16")], "the output[0] is a decimal beyond ±(2^53 − 1), return it as a text"),
        (
            {"total": Decimal("1234567890.123456")},
            "the output.total is a decimal of more than 15 significant digits, return it as a text",
        ),
        ([Decimal("NaN")], "the output[0] is `NaN`, which is not JSON"),
        ([Fraction(1, 2)], "the output[0] is a `Fraction`, which is not JSON"),
        ("\ud800", "the output contains half of a surrogate pair"),
        ({"\ud800": 1}, r"the output.'\ud800' contains half of a surrogate pair"),
        (object, "the output is a `type`, which is not JSON"),
        (DEEP, "the output is nested more than 200 levels deep"),
        ("x" * (4 * 2**20), "the output has 4,194,306 bytes, more than the 4 MiB that a step may"),
    ],
)
async def test_an_output_that_is_not_json_is_refused_at_once(
    client: inngest.Inngest, register: Register, output: Any, complaint: str
) -> None:
    async def handler(task: Task) -> Any:
        return output

    async def body(flow: Flow) -> Result:
        await flow.run("a", handler)
        return flow.end("end")

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert message(run) == f"step `a` failed after 1 attempt: {complaint}"


@pytest.mark.parametrize(
    "output",
    [
        {"__error__": {"name": "E", "message": "m", "attempts": 1}},
        {"__error__": None},
        {"__output__": 1},
        {"__output__": {"__error__": {"name": "E", "message": "m"}}},
        {"data": 1},
        {"error": {"message": "m", "name": "n"}},
        None,
        [],
        {"a": (1, [2.5, None, True]), "": "é\u2028"},
    ],
)
async def test_outputs_come_back_as_they_were(
    client: inngest.Inngest, register: Register, output: Any
) -> None:
    async def handler(task: Task) -> Any:
        return output

    got: list[Any] = []

    async def body(flow: Flow) -> Result:
        got.append(await flow.run("a", handler))
        return flow.end("end", output=flow.get("steps.a.output"))

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        expected = (
            {"a": [1, [2.5, None, True]], "": "é\u2028"} if output and "" in output else output
        )
        assert run.status == "Completed"
        assert got[-1] == run.output["output"] == expected


class Line(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)

    net_price: Decimal
    sold_at: datetime | None = None
    weight: float = 1.5


class Exact(BaseModel):
    """Decimals in all the places where a model may have them."""

    rates: dict[str, Decimal] = {}
    pair: tuple[Decimal, str] = (Decimal("0.5"), "0.5")
    steps: set[Decimal] = set()
    maybe: Decimal | None = None
    shown: Annotated[Decimal, PlainSerializer(str)] = Decimal("1.50")
    anything: object = None


@dataclass
class Order:
    number: str
    lines: list[Line] = field(default_factory=list)


@dataclass
class Unwritable:
    what: object


LINE = {"netPrice": 1.1, "soldAt": None, "weight": 1.5}


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (Line(net_price=Decimal("1.10")), LINE),
        (
            Line(net_price=Decimal("1.10"), sold_at=datetime(2026, 1, 5)),
            LINE | {"soldAt": "2026-01-05T00:00:00"},
        ),
        (
            {"all": [Order("7", [Line(net_price=Decimal("1.10"))]), (1, 2)]},
            {"all": [{"number": "7", "lines": [LINE]}, [1, 2]]},
        ),
        (Decimal("100.00"), 100),
        ({"a": (Decimal("-0.05"), 1.0)}, {"a": [-0.05, 1]}),
        (
            Exact(rates={"x": Decimal("1E+2")}, steps={Decimal("2.50")}, anything=Decimal("7.0")),
            {
                "rates": {"x": 100},
                "pair": [0.5, "0.5"],
                "steps": [2.5],
                "maybe": None,
                "shown": "1.50",
                "anything": 7,
            },
        ),
    ],
)
async def test_models_and_dataclasses_are_kept_as_their_json_by_alias(
    client: inngest.Inngest, register: Register, output: Any, expected: Any
) -> None:
    async def handler(task: Task) -> Any:
        return output

    async def body(flow: Flow) -> Result:
        await flow.run("a", handler)
        return flow.end("end", output=flow.get("steps.a.output"))

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert run.output["output"] == expected


CIRCLE: list[Any] = [Order("7")]
CIRCLE.append(CIRCLE)


@pytest.mark.parametrize(
    ("output", "complaint"),
    [
        (Line(net_price=Decimal(1), weight=math.nan), "the output.weight is `nan`"),
        (
            {"order": [Line(net_price=Decimal("0.1234567890123456"))]},
            "the output.order[0].netPrice is a decimal of more than 15 significant digits",
        ),
        (Exact(rates={"x": Decimal("1e20")}), "the output.rates.x is a decimal beyond"),
        (Exact(anything=2**53), "the output.anything is a number beyond ±(2^53 − 1)"),
        ([Unwritable(object())], "the output[0].what is a `object`, which is not JSON"),
        ([Order("7"), {1, 2.5j}], "is a `complex`, which is not JSON"),
        (CIRCLE, "the output is nested more than 200 levels deep"),
        (Order, "the output is a `type`, which is not JSON"),
    ],
)
async def test_what_a_model_holds_is_checked_as_other_outputs_are(
    client: inngest.Inngest, register: Register, output: Any, complaint: str
) -> None:
    async def handler(task: Task) -> Any:
        return output

    async def body(flow: Flow) -> Result:
        await flow.run("a", handler)
        return flow.end("end")

    async with LocalEngine(client, [register(body)]) as engine:
        assert complaint in message(await start(engine))


async def test_an_input_that_cannot_be_computed_fails_the_run_at_once(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result:
        await flow.run("a", Flaky(0), {"v": flow.text("no ${event.data.amuont}!")})
        return flow.end("end")

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine, {"tenant_id": 1, "amount": 3})
        complaint = "step `a` failed after 1 attempt: its input: `event.data` has no field `amuont`"
        assert message(run) == complaint


async def test_an_error_without_a_message_goes_by_its_name(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result:
        await flow.run("a", Flaky(9, ValueError()), retry=Retry(1))
        return flow.end("end")

    async with LocalEngine(client, [register(body)]) as engine:
        assert message(await start(engine)) == "step `a` failed after 1 attempt: ValueError"


@pytest.mark.parametrize("error", [asyncio.CancelledError(), SystemExit(3)])
async def test_what_a_handler_does_to_its_own_task_is_a_failed_attempt(
    client: inngest.Inngest, register: Register, error: BaseException
) -> None:
    attempts: list[int] = []

    async def handler(task: Task) -> Any:
        attempts.append(task.attempt)
        raise error

    async def body(flow: Flow) -> Result:
        await flow.run("a", handler, retry=Retry(2), catch=True)
        return flow.end("end", output=flow.get("steps.a.error.message"))

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert run.output["output"] == f"the handler raised `{type(error).__name__}`"
        assert attempts == [1, 2]


async def test_a_request_that_is_cancelled_ends_no_attempt() -> None:
    async def handler() -> Any:
        await asyncio.Event().wait()

    attempt = Attempt(0, Retry(1), 1)
    task = asyncio.create_task(attempt.run(handler))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert attempt.failure is None


async def test_what_takes_no_task_is_refused_as_a_handler_after_one_attempt(
    client: inngest.Inngest, register: Register
) -> None:
    async def plain() -> Any: ...

    async def body(flow: Flow) -> Result:
        await flow.run("a", plain)  # type: ignore[arg-type]
        return flow.end("end")

    async with LocalEngine(client, [register(body)]) as engine:
        told = message(await start(engine))
        assert told.startswith("step `a` failed after 1 attempt: the handler `plain` (")
        assert told.endswith("takes nothing: a handler takes one `Task`")


async def test_a_handler_may_do_several_things_at_once(
    client: inngest.Inngest, register: Register
) -> None:
    async def one(number: int) -> int:
        await asyncio.sleep(0)
        return number

    async def handler(task: Task) -> Any:
        return await asyncio.gather(*(one(number) for number in range(3)))

    async def body(flow: Flow) -> Result:
        await flow.run("a", handler)
        return flow.end("end", output=flow.get("steps.a.output"))

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert run.output["output"] == [0, 1, 2]
        assert [step.id for step in run.steps].count("a") == 1


async def test_a_very_long_message_of_an_error_is_cut(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result:
        await flow.run("a", Flaky(9, ValueError("x" * 5 * 2**20)), retry=Retry(1), catch=True)
        return flow.end("end", output=flow.get("steps.a.error.message"))

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert run.output["output"] == "x" * 10_000 + "…"


async def test_a_function_with_too_few_retries_fails_the_run_clearly(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result:
        await flow.run("a", Flaky(9))
        return flow.end("end")

    async with LocalEngine(client, [register(body, retries=0)]) as engine:
        assert message(await start(engine)) == "step `a` failed: boom"


def test_pauses_grow_up_to_their_limit() -> None:
    retry = Retry(2000, initial_interval=1, max_interval="1h")
    assert retry.pause(0) == timedelta(seconds=1)
    assert retry.pause(3) == timedelta(seconds=8)
    assert retry.pause(1999) == timedelta(hours=1)
    assert Retry(3).pause(0) is None
    with pytest.raises(ValueError, match="must be at least 1"):
        Retry(0)
