"""A definition's Inngest functions: triggers, settings, crons per tenant, failures."""

import types
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import inngest
import pytest
from proflow_runtime import (
    Registry,
    Task,
    cron_trigger,
    current_tenant,
    fan_out,
    functions_of,
    handler,
)
from proflow_runtime.context.environment_error import EnvironmentVariableError
from proflow_runtime.handlers.channels import UnknownChannelError
from proflow_runtime.handlers.registry import UnknownHandlerError
from proflow_runtime.local import LocalEngine
from proflow_schemas.definition import Definition

from .driving import answer, executions, open_ended, requests, sent

pytestmark = pytest.mark.anyio

WORK = {"fn": "task-step", "id": "a", "node": "a", "handler": "work"}
END = {"fn": "end", "id": "end", "node": "end"}


def definition(*steps: Mapping[str, Any], **more: Any) -> Definition:
    return Definition.model_validate(
        {
            "id": "x",
            "name": "X",
            "triggers": [{"event": "x/start"}],
            "canvas": {"nodes": [], "edges": []},
            "steps": list(steps) or [WORK, END],
            **more,
        }
    ).with_digest()


async def work(task: Task) -> Any:
    return {"input": task.input, "tenant": task.tenant_id}


def registry(**handlers: Any) -> Registry:
    tenants = handlers.pop("tenants", None)
    return Registry({"work": work, **handlers}, tenants=tenants)


def config(function: inngest.Function[Any]) -> dict[str, Any]:
    return function.get_config("http://x").main.model_dump(by_alias=True, mode="json")


async def test_a_program_of_every_op_runs(client: inngest.Inngest) -> None:
    made = definition(
        {"fn": "set-step", "id": "s", "node": "s", "values": {"n": "event.data.n + 1"}},
        {
            **WORK,
            "input": {"n": "${steps.s.output.n}", "t": "no ${steps.s.output.n}", "c": "$${x}"},
            "retry": {"maxAttempts": 2, "initialInterval": 5},
            "timeout": 30,
        },
        {
            "fn": "choose", "id": "c", "node": "c", "default": "small",
            "rules": [{"outcome": "big", "when": "steps.s.output.n > 10"}],
        },
        {
            "fn": "branch", "id": "c", "node": "c",
            "cases": [
                {"outcomes": ["big"], "steps": [{"fn": "stop", "id": "c", "node": "c"}]},
                {"outcomes": ["small"], "steps": [{**WORK, "id": "b", "node": "b"}]},
            ],
        },
        {
            "fn": "parallel", "id": "p", "node": "p",
            "arms": [
                {"name": "one", "steps": [
                    {"fn": "sleep-step", "id": "nap", "node": "nap", "seconds": 60},
                    {"fn": "sleep-step", "id": "u", "node": "u", "until": "${event.data.until}"},
                ]},
                {"name": "two", "steps": [
                    {
                        "fn": "wait-step", "id": "w", "node": "w", "event": "paid", "match": "data.n",
                        "armedWith": [
                            {"fn": "send-step", "id": "ask", "node": "ask", "event": "pay",
                             "data": {"n": "${event.data.n}"}}
                        ],
                    },
                ]},
            ],
        },
        {
            "fn": "approval-step", "id": "boss", "node": "boss", "timeout": 3600,
            "approval": {"approvers": ["user:1"], "mode": "all"},
        },
        {
            "fn": "branch", "id": "boss", "node": "boss",
            "cases": [
                {"outcomes": ["approved"], "steps": [
                    {"fn": "call", "id": "tail", "node": "tail", "function": "tail"}]},
                {"outcomes": ["rejected", "timeout", "returned"], "steps": [
                    {"fn": "stop", "id": "boss", "node": "boss"}]},
            ],
        },
        functions={
            "tail": [
                {**WORK, "id": "last", "node": "last"},
                {"fn": "end", "id": "end", "node": "end", "status": "done",
                 "output": "${steps.w.output.by}"},
            ]
        },
    )  # fmt: skip
    functions = functions_of(made, client, registry())
    async with LocalEngine(client, functions) as engine:
        until = (engine.clock.now() + timedelta(minutes=5)).isoformat()
        await engine.send({"name": "x/start", "data": {"tenant_id": 1, "n": 4, "until": until}})
        await engine.run_until_idle(ignore_timeouts=open_ended)
        assert [event["data"] for event in sent(engine, "pay")] == [{"tenant_id": 1, "n": 4}]
        await engine.send({"name": "paid", "data": {"tenant_id": 1, "n": "4", "by": "card"}})
        await engine.run_until_idle(until=engine.clock.now() + timedelta(minutes=1))
        assert requests(engine, "boss")[0]["policy"]["mode"] == "all"
        await answer(engine, "boss", approved=True)
        (run,) = engine.runs.values()
        assert run.output == {
            "result": "done",
            "output": "card",
            "outcomes": {"c": "small", "w": "received", "boss": "approved"},
        }
        assert run.steps[0].output["input"] == {"n": 5, "t": "no 5", "c": "${x}"}
        assert set(executions(run).values()) == {1}


async def test_a_long_chain_of_functions_needs_no_deep_stack(client: inngest.Inngest) -> None:
    length = 3000
    call = {"fn": "call", "id": "f", "node": "f"}
    functions: dict[str, Any] = {
        f"f{n}": [
            {"fn": "choose", "id": f"c{n}", "node": f"c{n}", "rules": [], "default": "on"},
            {
                "fn": "branch", "id": f"c{n}", "node": f"c{n}",
                "cases": [{"outcomes": ["on"], "steps": [{**call, "function": f"f{n + 1}"}]}],
            },
        ]
        for n in range(length)
    }  # fmt: skip
    functions[f"f{length}"] = [WORK, END]
    made = definition({**call, "function": "f0"}, functions=functions)
    async with LocalEngine(client, functions_of(made, client, registry())) as engine:
        await engine.send({"name": "x/start", "data": {"tenant_id": 1}})
        await engine.run_until_idle()
        (run,) = engine.runs.values()
        assert run.output["result"] == "completed"


def test_all_handlers_that_are_missing_are_named(client: inngest.Inngest) -> None:
    made = definition({**WORK, "handler": "b"}, {**WORK, "handler": "a"}, END)
    with pytest.raises(UnknownHandlerError, match="no handler `a`, `b`"):
        functions_of(made, client, registry())


def test_a_channel_that_is_missing_is_an_error_at_the_start(client: inngest.Inngest) -> None:
    def notification(channel: str) -> dict[str, Any]:
        return {**WORK, "handler": "proflow:notify", "input": {"channel": channel, "to": "x"}}

    with pytest.raises(UnknownChannelError, match="the channel `sms`"):
        functions_of(definition(notification("sms"), END), client, registry())
    functions_of(definition(notification("${event.data.by}"), END), client, registry())
    functions_of(definition(notification("email"), END), client, registry())


def test_settings_become_the_functions(client: inngest.Inngest) -> None:
    made = definition(
        maxAttempts=8,
        triggers=[{"event": "x/start", "if": "event.data.n > 1"}, {"event": "x/again"}],
        settings={
            "retries": 7,
            "concurrency": [{"limit": 3, "key": "event.data.tenant_id"}],
            "throttle": {"limit": 5, "period": 60, "burst": 2, "key": "event.data.tenant_id"},
            "priority": "event.data.urgent ? 100 : 0",
            "timeouts": {"start": 60, "finish": 3600},
            "cancelOn": [
                {"event": "x/stop", "if": "async.data.id == event.data.id", "timeout": 60}
            ],
            "idempotency": "event.data.id",
        },
    )
    found = config(functions_of(made, client, registry())[0])
    assert found["id"] == "test-x"
    assert found["name"] == "X"
    assert found["steps"]["step"]["retries"] == {"attempts": 7}
    assert found["triggers"] == [
        {"event": "x/start", "expression": "event.data.n > 1"},
        {"event": "x/again", "expression": None},
    ]
    assert found["concurrency"] == [{"limit": 3, "key": "event.data.tenant_id", "scope": None}]
    assert found["throttle"] == {
        "limit": 5, "period": "1m", "burst": 2, "key": "event.data.tenant_id"
    }  # fmt: skip
    assert found["priority"] == {"run": "event.data.urgent ? 100 : 0"}
    assert found["timeouts"] == {"start": "1m", "finish": "1h"}
    assert found["cancel"] == [
        {"event": "x/stop", "if": "async.data.id == event.data.id", "timeout": "1m"},
        {
            "event": "inngest/function.finished",
            "if": "async.data.run_id == event.data._proflow.parent",
            "timeout": None,
        },
        {
            "event": "proflow/call.left",
            "if": "async.data.call == event.data._proflow.call",
            "timeout": None,
        },
    ]
    assert found["idempotency"] == "event.data.id"


@pytest.mark.parametrize(
    ("settings", "steps", "retries"),
    [
        ({}, [], 4),
        ({"maxAttempts": 1, "settings": {"retries": 0}}, [], 4),
        ({"maxAttempts": 7}, [], 6),
        ({}, [{**WORK, "retry": {"maxAttempts": 11}}, END], 10),
    ],
)
def test_retries_suffice_for_every_node(
    client: inngest.Inngest, settings: dict[str, Any], steps: list[Any], retries: int
) -> None:
    (function,) = functions_of(definition(*steps, **settings), client, registry())
    assert config(function)["steps"]["step"]["retries"] == {"attempts": retries}


async def test_a_cron_runs_once_per_tenant(client: inngest.Inngest) -> None:
    async def tenants() -> list[int]:
        return [3, 1, 3, *range(10, 700)]

    made = definition(triggers=[{"cron": "0 9 * * *", "timezone": "Asia/Shanghai"}])
    functions = functions_of(made, client, registry(tenants=tenants))
    assert [function.local_id for function in functions] == ["x-fan-out", "x"]
    assert config(functions[0])["triggers"][0]["cron"] == "TZ=Asia/Shanghai 0 9 * * *"
    assert config(functions[1])["triggers"] == [{"event": "x/scheduled", "expression": None}]
    async with LocalEngine(client, functions) as engine:
        await engine.fire_cron("x-fan-out", datetime(2026, 1, 5, 1, tzinfo=UTC))
        await engine.run_until_idle()
        runs = [run for run in engine.runs.values() if run.function_id == "test-x"]
        assert len(runs) == 692
        assert {run.status for run in runs} == {"Completed"}
        events = sent(engine, "x/scheduled")
        assert [event["data"]["tenant_id"] for event in events][:3] == [3, 1, 10]
        assert {event["data"]["scheduled_at"] for event in events} == {"2026-01-05T01:00:00Z"}
        assert len({event["id"] for event in events}) == 692


@pytest.mark.parametrize("wrong", [True, 0, "1", None])
async def test_tenants_that_are_none_are_refused(client: inngest.Inngest, wrong: Any) -> None:
    async def tenants() -> list[int]:
        return [1, wrong]

    function = fan_out(client, fn_id="f", cron="* * * * *", event="e", tenants=tenants)
    async with LocalEngine(client, [function]) as engine:
        await engine.fire_cron("f")
        await engine.run_until_idle()
        (run,) = engine.runs.values()
        assert run.error is not None
        assert "which is no positive integer" in run.error["message"]
        assert not sent(engine, "e")


def test_a_cron_without_tenants_is_an_error_at_the_start(client: inngest.Inngest) -> None:
    made = definition(triggers=[{"cron": "0 9 * * *"}])
    with pytest.raises(UnknownHandlerError, match="async def tenants"):
        functions_of(made, client, registry())


async def test_a_cron_of_a_system_design_runs_once(client: inngest.Inngest) -> None:
    made = definition(scope="system", triggers=[{"cron": "0 2 * * *"}])
    functions = functions_of(made, client, registry())
    assert len(functions) == 1
    async with LocalEngine(client, functions) as engine:
        await engine.fire_cron("x")
        await engine.run_until_idle()
        (run,) = engine.runs.values()
        assert run.status == "Completed"
        assert run.steps[0].output["tenant"] is None


def test_several_crons_have_several_fan_outs(client: inngest.Inngest) -> None:
    async def tenants() -> list[int]:
        return [1]

    made = definition(triggers=[{"cron": "0 9 * * *"}, {"event": "x/now"}, {"cron": "0 18 * * *"}])
    functions = functions_of(made, client, registry(tenants=tenants))
    assert [function.local_id for function in functions] == ["x-fan-out", "x-fan-out-2", "x"]
    names = [trigger["event"] for trigger in config(functions[2])["triggers"]]
    assert names == ["x/scheduled", "x/now"]


async def test_a_failure_is_handled_once(client: inngest.Inngest) -> None:
    failures: list[Any] = []

    async def broken(task: Task) -> None:
        raise inngest.NonRetriableError("no such order")

    async def log_failure(task: Task) -> None:
        failures.append((current_tenant(), task.idempotency_key, task.input))

    made = definition({**WORK, "handler": "broken"}, END, onFailure="log_failure")
    functions = functions_of(made, client, registry(broken=broken, log_failure=log_failure))
    async with LocalEngine(client, functions) as engine:
        await engine.send({"name": "x/start", "data": {"tenant_id": 6}, "id": "E1"})
        await engine.run_until_idle()
        run, handled = engine.runs.values()
        assert handled.status == "Completed"
        ((tenant, key, given),) = failures
        assert (tenant, key) == (6, f"{run.id}:on-failure")
        assert given["run_id"] == run.id
        assert given["event"]["id"] == "E1"
        assert given["error"] == {
            "name": "NonRetriableError",
            "message": "step `a` failed after 1 attempt: no such order",
        }


def test_a_registry_holds_the_handlers_of_a_module() -> None:
    @handler
    async def pay(task: Task) -> None: ...

    async def foreign(task: Task) -> None: ...

    async def tenants() -> list[int]:
        return [1]

    def sync(task: Task) -> None: ...

    module = types.ModuleType("shop.handlers")
    module.__dict__.update(
        pay=pay, foreign=foreign, _other=pay, tenants=tenants, sync=sync, CONSTANT=1
    )
    pay.__module__ = tenants.__module__ = sync.__module__ = "shop.money"
    foreign.__module__ = "asyncio.tasks"
    made = Registry.from_module(module)
    assert made.names() == ["pay"]
    assert made.tenants is tenants
    assert "proflow:http" in made
    with pytest.raises(UnknownHandlerError, match="`sync`"):
        made["sync"]
    module.__dict__["__all__"] = ["foreign", "sync"]
    assert Registry.from_module(module).names() == ["foreign", "pay", "sync"]


def test_crons_without_a_zone_take_the_default(
    client: inngest.Inngest, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cron_trigger("0 9 * * *").cron == "0 9 * * *"
    monkeypatch.setenv("PROFLOW_TIMEZONE", "Asia/Shanghai")
    assert cron_trigger("0 9 * * *").cron == "TZ=Asia/Shanghai 0 9 * * *"
    assert cron_trigger("0 9 * * *", "Asia/Tokyo").cron == "TZ=Asia/Tokyo 0 9 * * *"
    assert cron_trigger("0 9 * * *", "UTC").cron == "0 9 * * *"
    monkeypatch.setenv("PROFLOW_TIMEZONE", "Asia/Beijing")
    with pytest.raises(EnvironmentVariableError, match="no time zone `Asia/Beijing`"):
        cron_trigger("0 9 * * *")
