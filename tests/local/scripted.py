"""Small functions for tests of the engine, and one line to run them."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import inngest
from proflow_runtime.local import LocalEngine, Observation, RunRecord

START = datetime(2026, 1, 1, tzinfo=UTC)
RACE = inngest.ParallelMode.RACE


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


class App:
    """A client and the functions made with it."""

    def __init__(self) -> None:
        self.client = inngest.Inngest(app_id="app", is_production=False)
        self.functions: list[inngest.Function[Any]] = []

    def function(self, fn_id: str, trigger: Any = None, **settings: Any) -> Callable[[Any], Any]:
        """Decorates the function `fn_id`, by default triggered by the event of that name."""

        def decorate(handler: Any) -> Any:
            made = self.client.create_function(
                fn_id=fn_id, trigger=trigger or inngest.TriggerEvent(event=fn_id), **settings
            )(handler)
            self.functions.append(made)
            return made

        return decorate

    def engine(self, **options: Any) -> LocalEngine:
        return LocalEngine(self.client, self.functions, **options)

    def run(
        self,
        *events: Any,
        script: Callable[[LocalEngine], Awaitable[None] | None] | None = None,
        until: datetime | None = None,
        ignore_timeouts: Any = None,
        **options: Any,
    ) -> LocalEngine:
        """Send events (names, or mappings) and drive the engine until it is idle."""

        async def main() -> LocalEngine:
            async with self.engine(**options) as engine:
                done = script(engine) if script else None
                if done is not None:
                    await done
                if events:
                    await engine.send(*({"name": e} if isinstance(e, str) else e for e in events))
                await engine.run_until_idle(until=until, ignore_timeouts=ignore_timeouts)
            return engine

        return asyncio.run(main())


def only(engine: LocalEngine) -> RunRecord:
    (run,) = engine.runs.values()
    return run


def runs_of(engine: LocalEngine, fn_id: str) -> list[RunRecord]:
    return [run for run in engine.runs.values() if run.function_id == f"app-{fn_id}"]


def watch(engine: LocalEngine) -> list[Observation]:
    seen: list[Observation] = []
    engine.subscribe(seen.append)
    return seen


def give(value: Any) -> Callable[[], Awaitable[Any]]:
    async def handler() -> Any:
        return value

    return handler
