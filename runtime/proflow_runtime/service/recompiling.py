"""Compiles stored designs again if their definitions have an older format.

A version is compiled as soon as a run needs it. In addition, a background task goes once through all
published versions, so that designs that do not compile any more are known before somebody starts
them. Several processes may do so at the same time: they get the same result, and the first one to
store it wins.
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
from proflow_runtime.service.background import in_background
from proflow_runtime.service.compiling import DesignCompiler
from proflow_runtime.service.problems import Problem
from proflow_runtime.store import designs, formats
from proflow_runtime.store.formats import PublishedVersion

PAGE = 100
"""How many versions are listed at once."""
REMEMBERED = 1_000
"""How many refusals a process remembers, so that it does not compile these designs at every run."""
Version = tuple[int, str, int]
"""The tenant, the code and the number of a version."""
log = logging.getLogger("proflow.service")


class DesignRecompiler:
    """Replaces definitions of older formats by newly compiled ones."""

    def __init__(
        self,
        compiling: DesignCompiler,
        *,
        replaced: Callable[[int, Definition], Awaitable[object]],
        failed: Callable[[], None],
        pause: float,
    ) -> None:
        """Create it; nothing is compiled before `recompile` or `running`.

        Args:
            compiling: Compiles canvases.
            replaced: Called with the tenant and each definition that has replaced an older one.
            failed: Called for each version that could not be compiled.
            pause: Seconds until the background task continues after an error of the database.
        """
        self._compiling = compiling
        self._replaced, self._failed, self._pause = replaced, failed, pause
        self._locks: WeakValueDictionary[Version, asyncio.Lock] = WeakValueDictionary()
        self._refused: OrderedDict[Version, RefusedDesignError] = OrderedDict()

    async def recompile(self, tenant_id: int, code: str, number: int) -> str:
        """Compile a version again if its definition has an older format.

        Args:
            tenant_id: The tenant that owns the design.
            code: The code of the design.
            number: The number of the version.

        Returns:
            The digest of the version's definition in the current format.

        Raises:
            RefusedDesignError: If the design does not compile any more.
            UnknownDesignError: If there is no such version.
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
        """Compile a canvas; raises `RefusedDesignError` if that fails for any reason."""
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
        """Compile all published versions of older formats in the background, once."""
        async with in_background(self._persistently(), "proflow recompiling"):
            yield

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
        """Compile the outdated versions of one page; returns its last id, or None at the end."""
        page = await formats.published(after=after, limit=PAGE)
        for version in page:
            if version.is_outdated:
                await self._in_turn(version)
        return page[-1].id if len(page) == PAGE else None

    async def _in_turn(self, version: PublishedVersion) -> None:
        """Compile one version, and then pause for as long as that took: requests come first."""
        begun = time.perf_counter()
        # Refusals are logged already; a version that does not exist was deleted meanwhile.
        with contextlib.suppress(RefusedDesignError, designs.UnknownDesignError):
            await self.recompile(version.tenant_id, version.code, version.number)
        await asyncio.sleep(time.perf_counter() - begun)
