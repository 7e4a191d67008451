"""Two services with databases of their own on one Inngest server: neither runs the other's runs."""

import asyncio
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from live.kinds import KINDS
from live.worlds import APP, World, world
from proflow_runtime import Task
from proflow_runtime.local import LocalEngine
from proflow_runtime.local.records import Event
from proflow_runtime.store.database import connect
from proflow_runtime.store.models import Run
from stored.office import drawn, line

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("kind", KINDS)]
RUNS = 100
APPS = (APP, f"{APP}-too")
WORK = ("task", {"handler": "work"})
ASK = ("approval", {"approverType": "user", "approverIds": ["ben"]})


class Service:
    """A world with a database of its own; what it is asked to do is done with that database."""

    def __init__(self) -> None:
        self._asked: asyncio.Queue[Any] = asyncio.Queue()
        self.done: Counter[str] = Counter()

    async def work(self, task: Task) -> str:
        self.done[task.run_id] += 1
        return task.node_id

    @asynccontextmanager
    async def open(self, kind: str, url: str, **more: Any) -> AsyncIterator[None]:
        opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def serve() -> None:
            async with connect(url), world(kind, {"work": self.work}, **more) as at:
                opened.set_result(None)
                while (asked := await self._asked.get()) is not None:
                    act, answer = asked
                    try:
                        answer.set_result(await act(at))
                    except Exception as error:
                        answer.set_exception(error)

        serving = asyncio.create_task(serve())
        await asyncio.wait((serving, opened), return_when=asyncio.FIRST_COMPLETED)
        try:
            yield
        finally:
            self._asked.put_nowait(None)
            await serving

    async def do(self, act: Callable[[World], Awaitable[Any]]) -> Any:
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._asked.put_nowait((act, answer))
        return await answer


def one_server() -> type[LocalEngine]:
    """Local engines, one for each app, of which each gets all events, as on one server."""
    engines: list[LocalEngine] = []

    class Shared(LocalEngine):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            engines.append(self)

        def _route(
            self, event: Event, event_id: str, *, sender: str | None, internal: bool
        ) -> None:
            for one in engines:
                if one is self or one._open:
                    LocalEngine._route(one, event, event_id, sender=sender, internal=internal)

    return Shared


@asynccontextmanager
async def two_services(
    kind: str, template: Path, folder: Path
) -> AsyncIterator[tuple[Service, Service]]:
    first, second = Service(), Service()
    engine = one_server()
    for name in APPS:
        shutil.copyfile(template, folder / f"{name}.db")
    urls = [f"sqlite://{folder}/{name}.db" for name in APPS]
    async with (
        first.open(kind, urls[0], app_id=APPS[0], engine=engine),
        second.open(kind, urls[1], app_id=APPS[1], engine=engine),
    ):
        yield first, second


async def ended(at: World) -> list[tuple[str, str]]:
    async def over() -> bool:
        return not await Run.filter(ended_at__isnull=True).exists()

    async with asyncio.timeout(300):
        while not await over():  # noqa: ASYNC110  # the database tells nobody
            await asyncio.sleep(0.2)
    return [(run.id, run.status) async for run in Run.all()]


async def test_runs_that_the_api_starts_stay_in_their_service(
    sqlite_template: Path, tmp_path: Path, kind: str
) -> None:
    design = line("order", ("a", *WORK), ("b", *WORK), trigger={"event": "o/two"})

    async def begin(at: World) -> list[str]:
        await at.publish(design)
        return [await at.begin("order", n=number) for number in range(RUNS)]

    async with two_services(kind, sqlite_template, tmp_path) as services:
        begun = [await service.do(begin) for service in services]
        for service, runs in zip(services, begun, strict=True):
            found = await service.do(ended)
            assert sorted(found) == sorted((run, "completed") for run in runs)
            assert service.done == Counter(dict.fromkeys(runs, 2))


async def test_each_starts_a_run_of_its_own_for_an_event_of_the_tenant(
    sqlite_template: Path, tmp_path: Path, kind: str
) -> None:
    """A decision in one, or a cancellation, does not touch the run of the other."""
    nodes = {"start": ("start", {}), "ask": ASK, "a": WORK, "end": ("end", {})}
    edges = [("start", "ask"), ("ask", "a", "approved"), ("a", "end")]
    design = drawn("order", nodes, edges, trigger={"event": "o/two"})

    async def publish(at: World) -> None:
        await at.publish(design)

    async def asked(at: World) -> str:
        async def open_() -> Any:
            return (await at.proflow.approvals.inbox(1, "ben")).items

        (approval,) = await at.patiently(open_)
        await at.at(approval.run_id, "ask", "waiting")
        run: str = approval.run_id
        return run

    async with two_services(kind, sqlite_template, tmp_path) as services:
        first, second = services
        for service in services:
            await service.do(publish)
        await first.do(lambda at: at.send("o/two", n=1))
        runs = [await service.do(asked) for service in services]
        assert runs[0] != runs[1]
        await first.do(lambda at: at.approve("ben"))
        assert await first.do(ended) == [(runs[0], "completed")]
        assert first.done == Counter({runs[0]: 1})
        await asyncio.sleep(1)
        status = await second.do(lambda at: at.proflow.status(1, runs[1]))
        assert (status["nodes"]["ask"]["status"], second.done) == ("waiting", Counter())
        await second.do(lambda at: at.proflow.cancel(1, runs[1]))
        assert await second.do(ended) == [(runs[1], "cancelled")]
        assert (await first.do(ended), second.done) == ([(runs[0], "completed")], Counter())
