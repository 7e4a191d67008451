"""Compiles stored designs again whose definitions have an older format.

What a run needs is compiled when it is needed; beside that, one pass over all published versions
compiles the rest, so that what is refused now is known before anybody starts it. Processes may do
so at once: what they compile is the same, and the first to store it wins.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from proflow_schemas.definition import Definition, is_older

from proflow_runtime.dispatch.outdated import RefusedDesignError
from proflow_runtime.service.compiling import Compiling
from proflow_runtime.service.problems import Problem
from proflow_runtime.store import designs, formats
from proflow_runtime.store.formats import PublishedVersion

PAGE = 100
"""Versions that are looked at together."""
REMEMBERED = 1_000
"""Refusals that a process keeps, so that it compiles none of them for every run."""
Version = tuple[int, str, int]
"""The tenant, the code, the number."""
log = logging.getLogger("proflow.service")


class Recompiling:
    """`replaced` is called with each definition that has replaced another, and its tenant; `failed`
    with each version that could not be compiled.
    """

    def __init__(
        self,
        compiling: Compiling,
        *,
        replaced: Callable[[int, Definition], Awaitable[object]],
        failed: Callable[[], None],
        pause: float,
    ) -> None:
        """`pause`: seconds until the pass goes on after an error of the database."""
        self._compiling = compiling
        self._replaced, self._failed, self._pause = replaced, failed, pause
        self._locks: WeakValueDictionary[Version, asyncio.Lock] = WeakValueDictionary()
        self._refused: OrderedDict[Version, RefusedDesignError] = OrderedDict()

    async def recompile(self, tenant_id: int, code: str, number: int) -> str:
        """The digest of a version in the present format; compiles it if it has an older one.

        Raises `RefusedDesignError`, and `UnknownDesignError` for a version that does not exist.
        """
        version = (tenant_id, code, number)
        if version in self._refused:
            raise self._refused[version].with_traceback(None)
        async with self._locks.setdefault(version, asyncio.Lock()):
            try:
                return await self._current(*version)
            except RefusedDesignError as refused:
                self._note(version, refused)
                raise

    async def _current(self, tenant_id: int, code: str, number: int) -> str:
        stored = await designs.version(tenant_id, code, number)
        known = await formats.formats_of([stored.digest])
        if not is_older(known.get(stored.digest, "")):
            return stored.digest
        definition = await self._compiled(tenant_id, code, number, stored.canvas)
        digest = await formats.replace(
            tenant_id, code, number, digest=stored.digest, definition=definition
        )
        await self._replaced(tenant_id, definition)
        return digest

    async def _compiled(self, tenant_id: int, code: str, number: int, canvas: object) -> Definition:
        """Raises `RefusedDesignError`."""
        try:
            compiled = await self._compiling.compile(canvas, code)
        except Problem as problem:
            raise RefusedDesignError(tenant_id, code, number, problem.detail) from None
        except Exception as error:  # one design must not stop the others
            reason = f"it cannot be compiled: {type(error).__name__}: {error}"
            raise RefusedDesignError(tenant_id, code, number, reason) from error
        if compiled.definition is None:
            raise RefusedDesignError.by_diagnostics(tenant_id, code, number, compiled.diagnostics)
        if compiled.definition.id != code:
            reason = f"its id is `{compiled.definition.id}` now"
            raise RefusedDesignError(tenant_id, code, number, reason)
        return compiled.definition

    def _note(self, version: Version, refused: RefusedDesignError) -> None:
        self._refused[version] = refused
        while len(self._refused) > REMEMBERED:
            self._refused.popitem(last=False)
        self._failed()
        log.error("%s", refused, extra={"tenant_id": refused.tenant_id})

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Meanwhile, compile all that is published in an older format."""
        task = asyncio.create_task(self._persistently(), name="proflow recompiling")
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _persistently(self) -> None:
        after: int | None = 0
        while after is not None:
            try:
                after = await self._page(after)
            except Exception as error:
                self._failed()
                log.warning("cannot compile designs again now: %s", error, exc_info=error)
                await asyncio.sleep(self._pause)

    async def _page(self, after: int) -> int | None:
        """Compile what is outdated of one page; where the next one begins, None: there is none."""
        page = await formats.published(after=after, limit=PAGE)
        for version in page:
            if version.is_outdated:
                await self._in_turn(version)
        return page[-1].id if len(page) == PAGE else None

    async def _in_turn(self, version: PublishedVersion) -> None:
        """Compile one, and rest for as long: requests come first."""
        begun = time.perf_counter()
        # What is refused is in the log; what does not exist was deleted meanwhile.
        with contextlib.suppress(RefusedDesignError, designs.UnknownDesignError):
            await self.recompile(version.tenant_id, version.code, version.number)
        await asyncio.sleep(time.perf_counter() - begun)
