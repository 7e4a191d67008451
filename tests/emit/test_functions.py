"""What a generated module tells Inngest of its functions is what the interpreter tells."""

import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import inngest
import pytest
from emit.programs import end, program, task
from fixtures.cases import DESIGNS, fixtures
from proflow_compiler.emit import Imports, emit_module
from proflow_compiler.emit.python import handler_nodes
from proflow_compiler.pipeline import compile_file
from proflow_runtime import Registry, functions_of
from proflow_runtime.handlers.channels import standing_in
from proflow_runtime.programs.interpreter import literal_channels
from proflow_schemas.definition import (
    MAX_CANCELLATIONS,
    Cancellation,
    CronTrigger,
    Definition,
    FunctionSettings,
)

CLIENT = "emit_test_client"
HANDLERS = "emit_test_handlers"


async def nothing(*_: Any) -> Any:
    return []


@pytest.fixture
def client() -> Iterator[inngest.Inngest]:
    found = inngest.Inngest(app_id="host", is_production=False)
    module = ModuleType(CLIENT)
    vars(module)["client"] = found
    sys.modules[CLIENT] = module
    yield found
    del sys.modules[CLIENT]


def configs(functions: list[inngest.Function[Any]]) -> list[dict[str, Any]]:
    found = []
    for function in functions:
        config = function.get_config("http://host")
        found.append(config.main.model_dump(mode="json"))
        if config.on_failure is not None:
            found.append(config.on_failure.model_dump(mode="json"))
    return found


def generated(definition: Definition) -> list[inngest.Function[Any]]:
    handlers = ModuleType(HANDLERS)
    for name in [*handler_nodes(definition), "tenants"]:
        setattr(handlers, name, nothing)
    sys.modules[HANDLERS] = handlers
    try:
        source = emit_module(definition, Imports(f"{CLIENT}:client", HANDLERS))
        module: dict[str, Any] = {"__name__": "generated"}
        exec(compile(source, "generated.py", "exec"), module)
    finally:
        del sys.modules[HANDLERS]
    return list(module["FUNCTIONS"])


def interpreted(definition: Definition, client: inngest.Inngest) -> list[inngest.Function[Any]]:
    handlers = dict.fromkeys(handler_nodes(definition), nothing)
    with standing_in(dict.fromkeys(literal_channels(definition), nothing)):
        return functions_of(definition, client, Registry(handlers, tenants=nothing))


@pytest.mark.parametrize("fixture", fixtures())
def test_both_targets_have_the_same_functions(fixture: str, client: inngest.Inngest) -> None:
    for definition in compile_file(str(DESIGNS / fixture / "design.json")).definitions:
        assert configs(generated(definition)) == configs(interpreted(definition, client))


@pytest.mark.parametrize("own", range(MAX_CANCELLATIONS + 1))
def test_a_child_is_cancelled_with_its_parent_where_the_design_leaves_room(
    own: int, client: inngest.Inngest
) -> None:
    cancellations = [Cancellation(event=f"stop/{number}") for number in range(own)]
    definition = program(task("a"), end("done")).model_copy(
        update={"settings": FunctionSettings(cancel_on=cancellations)}
    )
    (found,) = configs(generated(definition))
    assert [found] == configs(interpreted(definition, client))
    events = [one["event"] for one in found["cancel"]]
    parent = ["inngest/function.finished", "proflow/call.left"][: MAX_CANCELLATIONS - own]
    assert events == [*(one.event for one in cancellations), *parent]


@pytest.mark.parametrize("scope", ["tenant", "system"])
@pytest.mark.parametrize("zone", [None, "Asia/Tokyo"])
def test_a_cron_without_a_zone_takes_the_default_where_it_is_deployed(
    scope: str, zone: str | None, client: inngest.Inngest, monkeypatch: pytest.MonkeyPatch
) -> None:
    cron = CronTrigger(cron="0 18 * * *", timezone=zone)
    update = {"triggers": [cron], "scope": scope, "timezone": zone}
    definition = program(task("a"), end("done")).model_copy(update=update)
    for default in (None, "Asia/Shanghai"):
        if default is not None:
            monkeypatch.setenv("PROFLOW_TIMEZONE", default)
        found = configs(generated(definition))
        assert found == configs(interpreted(definition, client))
        crons = [one["cron"] for config in found for one in config["triggers"] if one.get("cron")]
        expected = zone or default
        assert crons == ["0 18 * * *" if expected is None else f"TZ={expected} 0 18 * * *"]
    source = emit_module(definition, Imports(f"{CLIENT}:client", HANDLERS))
    assert ("timezone=" in source) is (zone is not None)
