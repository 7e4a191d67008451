"""Which functions of a module designs can call, and how they are called."""

import asyncio
import threading
import types
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from functools import partial, wraps
from typing import Any

import inngest
import pytest
from proflow_runtime import (
    Flow,
    Registry,
    Result,
    Task,
    current_tenant,
    handler,
    register_channel,
)
from proflow_runtime.handlers import channels
from proflow_runtime.handlers.lifespan import LifespanError
from proflow_runtime.handlers.registry import UnknownHandlerError
from proflow_runtime.local import LocalEngine
from proflow_schemas.handlers import HandlersModule, handlers_module
from proflow_schemas.signatures import HandlerError

from .conftest import Register
from .driving import executions, start

MODULE = """
from functools import partial, wraps
from proflow_runtime import Task, handler

def traced(function):
    @wraps(function)
    async def around(task):
        return await function(task)
    return around

"""


def module(source: str, name: str = "shop.handlers") -> types.ModuleType:
    made = types.ModuleType(name)
    exec(compile(MODULE + source, f"{name}.py", "exec"), made.__dict__)
    return made


def found(source: str) -> HandlersModule:
    return handlers_module(module(source))


def test_marked_and_listed_functions_are_handlers_and_nothing_else() -> None:
    made = found("""
from asyncio import sleep
__all__ = ["ship", "CONSTANT", "Line"]
CONSTANT = 1
class Line: ...
@handler
async def pay(task: Task): ...
@handler("send-mail")
def send(task): ...
def ship(task: "Task"): ...
async def helper(task): ...
async def tenants(): return [1]
async def lifespan(): yield
""")
    assert set(made.handlers) == {"pay", "send-mail", "ship"}
    assert {"helper", "sleep", "traced"} <= set(made.unmarked)
    assert made.unmarked["helper"].place == "shop.handlers, line 21"
    assert made.tenants is not None
    assert made.lifespan is not None


def test_handlers_of_other_modules_are_those_of_one_that_imports_them() -> None:
    money = module("@handler\nasync def pay(task): ...\nasync def other(task): ...", "shop.money")
    own = module("")
    own.__dict__.update(pay=money.pay, charge=money.pay, other=money.other)
    assert set(handlers_module(own).handlers) == {"pay"}


def test_other_decorators_may_stand_above_and_below() -> None:
    made = found("""
@traced
@handler
async def pay(task): ...
@handler("send-mail")
@traced
async def send(task): ...
audited = traced(pay)
""")
    assert set(made.handlers) == {"pay", "send-mail"}
    assert made.handlers["pay"].__wrapped__ is not None  # type: ignore[attr-defined]


def test_a_name_of_its_own_is_where_generated_modules_look_for_it() -> None:
    made = module('@handler("send-mail")\nasync def send(task): ...')
    assert getattr(made, "send-mail") is made.send


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        (
            "@handler\nasync def pay(): ...",
            "the handler `pay` (shop.handlers, line 11) takes nothing: a handler takes one `Task`",
        ),
        (
            "@handler\nasync def pay(task, order): ...",
            "the handler `pay` (shop.handlers, line 11) takes `task`, `order`",
        ),
        ("@handler\nasync def pay(*, task): ...", "takes `task`: a handler takes one `Task`"),
        ("@handler\nasync def pay(task):\n    yield 1", "`pay` (shop.handlers, line 11) has a `yield`"),
        ("@handler\ndef pay(task):\n    yield 1", "has a `yield`: a handler returns its output"),
        ("@handler\nasync def pay(task: int): ...", "takes a `int`: a handler takes one `Task`"),
        ("@handler\nasync def pay(task: 'Task[Order]'): ...", "`Order` of `Task[Order]` is not known"),
        ("@handler\nasync def pay(task: Task[object()]): ...", "its input cannot be validated: Unable"),
        ("__all__ = ['pay']\nasync def pay(order, line): ...", "takes `order`, `line`"),
        (
            '@handler("x")\nasync def a(task): ...\n@handler("x")\nasync def b(task): ...',
            "two handlers are named `x`: shop.handlers, line 13, and shop.handlers, line 11",
        ),
        (
            '@traced\n@handler("x")\nasync def a(task): ...',
            "the handler `a` (shop.handlers, line 11): put `@handler` above the other decorators",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_a_handler_is_told_when_the_module_is_loaded(
    source: str, complaint: str
) -> None:
    with pytest.raises(HandlerError) as told:
        found(source)
    assert complaint in str(told.value)


@pytest.mark.parametrize(
    ("given", "error"),
    [("", ValueError), ("proflow:http", ValueError), (3, TypeError), (int, TypeError)],
)
def test_only_functions_and_names_can_be_given(given: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        handler(given)


def test_a_name_that_is_something_else_in_the_module_is_refused() -> None:
    with pytest.raises(ValueError, match="`wraps` is something else in"):
        module('@handler("wraps")\nasync def send(task): ...')


def test_an_unmarked_function_is_told_from_a_missing_one() -> None:
    registry = Registry.from_module(module("async def pay(task): ..."))
    with pytest.raises(UnknownHandlerError, match=r"`pay` \(shop.handlers, line 11\): there in"):
        registry.require(["pay"])
    with pytest.raises(UnknownHandlerError, match="there is no handler `ship`"):
        registry.require(["ship"])


def test_objects_and_partials_can_be_handlers() -> None:
    class Payer:
        async def __call__(self, task: Task) -> str:
            return "paid"

    async def pay(bank: str, task: Task) -> str:
        return bank

    made = types.ModuleType("shop")
    made.__dict__.update(a=handler("a")(Payer()), b=handler("b")(partial(pay, "x")))
    assert set(handlers_module(made).handlers) == {"a", "b"}


@pytest.mark.anyio
async def test_a_sync_handler_runs_in_a_thread_with_its_tenant(
    client: inngest.Inngest, register: Register
) -> None:
    def pay(task: Task[int]) -> tuple[str, int, int]:
        assert threading.current_thread() is not threading.main_thread()
        return (task.node_id, current_tenant(), task.input)

    async def body(flow: Flow) -> Result:
        return flow.end("end", output=await flow.run("pay", pay, "7"))

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine, {"tenant_id": 5})
        assert run.output is not None
        assert run.output["output"] == ["pay", 5, 7]


@pytest.mark.anyio
@pytest.mark.parametrize("error", [StopIteration("no"), RuntimeError("no")])
async def test_what_a_sync_handler_raises_is_its_failure(
    client: inngest.Inngest, register: Register, error: Exception
) -> None:
    def pay(task: Task) -> None:
        raise error

    async def body(flow: Flow) -> Result:
        await flow.run("pay", pay, catch=True)
        return flow.end("end", output=flow.get("steps.pay.error.name"))

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert run.output is not None
        assert run.output["output"] == "RuntimeError"


@pytest.mark.anyio
async def test_a_sync_wrapper_of_a_coroutine_is_awaited(
    client: inngest.Inngest, register: Register
) -> None:
    def wrapped(function: Callable[[Task], Any]) -> Callable[[Task], Any]:
        @wraps(function)
        def around(task: Task) -> Any:
            return function(task)

        return around

    async def pay(task: Task) -> str:
        await asyncio.sleep(0)
        return "paid"

    async def body(flow: Flow) -> Result:
        return flow.end("end", output=await flow.run("pay", wrapped(pay)))

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert run.output is not None
        assert run.output["output"] == "paid"


CONNECTION: ContextVar[str] = ContextVar("connection")


@asynccontextmanager
async def connected(client: inngest.Inngest) -> AsyncIterator[None]:
    CONNECTION.set(client.app_id)
    yield


async def ask(task: Task) -> str:
    return CONNECTION.get("none")


@pytest.mark.anyio
async def test_handlers_run_in_the_lifespan_and_nobody_else_does(
    client: inngest.Inngest, register: Register
) -> None:
    registry = Registry({"ask": ask}, lifespan=connected)

    async def body(flow: Flow) -> Result:
        by_name = await flow.run("a", registry["ask"])
        by_function = await flow.run("b", ask)  # as generated modules do
        assert CONNECTION.get("none") == "none"
        return flow.end("end", output=[by_name, by_function])

    async with LocalEngine(client, [register(body)]) as engine, registry.lifespan(client):
        run = await start(engine)
        assert run.output is not None
        assert run.output["output"] == ["test", "test"]
        async with registry.lifespan(client):
            pass  # it is open already
        assert (await start(engine)).output == run.output
    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert run.output is not None
        assert run.output["output"] == ["none", "none"]


@pytest.mark.anyio
async def test_two_lifespans_do_not_meet(client: inngest.Inngest, register: Register) -> None:
    other = inngest.Inngest(app_id="other", is_production=False)
    first, second = (Registry({"ask": ask}, lifespan=connected) for _ in range(2))

    async def body(flow: Flow) -> Result:
        found = [await flow.run("a", first["ask"]), await flow.run("b", second["ask"])]
        return flow.end("end", output=found)

    async with (
        first.lifespan(client),
        second.lifespan(other),
        LocalEngine(client, [register(body)]) as engine,
    ):
        run = await start(engine)
        assert run.output is not None
        assert run.output["output"] == ["test", "other"]


@pytest.mark.anyio
async def test_a_lifespan_is_closed_whatever_happens(client: inngest.Inngest) -> None:
    log: list[str] = []

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        log.append("opened")
        try:
            yield
        finally:
            await asyncio.sleep(0)
            log.append("closed")

    async def fails() -> None:
        async with Registry({}, lifespan=lifespan).lifespan(client):
            raise LookupError

    async def waits() -> None:
        async with Registry({}, lifespan=lifespan).lifespan(client):
            await asyncio.sleep(60)

    with pytest.raises(LookupError):
        await fails()
    waiting = asyncio.create_task(waits())
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert log == ["opened", "closed"] * 2


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("def lifespan(a, b): ...", "the `lifespan` of `shop.handlers` takes no argument, or one"),
        ("async def lifespan(): ...", "`shop.handlers` is not an async context manager"),
        ("def lifespan(): return open", "`shop.handlers` is not an async context manager"),
        ("def lifespan(): 1 / 0", "cannot be opened: ZeroDivisionError: division by zero"),
        ("async def lifespan():\n    1 / 0\n    yield", "cannot be opened: ZeroDivisionError"),
        ("async def lifespan():\n    yield\n    1 / 0", "cannot be closed: ZeroDivisionError"),
        ("async def lifespan():\n    if 0: yield", "cannot be opened: RuntimeError: generator"),
        (
            "async def lifespan():\n    yield\n    yield",
            "cannot be closed: RuntimeError: generator",
        ),
    ],
)
async def test_a_lifespan_that_does_not_work_is_told_in_a_line(
    client: inngest.Inngest, source: str, complaint: str
) -> None:
    registry = Registry.from_module(module(source))
    with pytest.raises(LifespanError) as told:
        async with registry.lifespan(client):
            pass
    assert complaint in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.anyio
async def test_a_registered_channel_replaces_the_built_in_one(
    client: inngest.Inngest, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels.OF_THE_PROCESS, "_handlers", {})

    def send(task: Task) -> str:
        return f"own {task.input['to']}"

    async def body(flow: Flow) -> Result:
        return flow.end("end", output=await flow.notify("mail", channel="email", to="ada"))

    register_channel("email", send)
    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert run.output is not None
        assert run.output["output"] == "own ada"
        assert executions(run)["mail"] == 1
    registry = Registry()
    registry.channels.register("sms", send)
    assert "sms" in registry.channels
    assert "sms" not in Registry().channels
    assert "email" in Registry().channels
    with pytest.raises(HandlerError):
        register_channel("sms", lambda: None)  # type: ignore[arg-type, misc]
