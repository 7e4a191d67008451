"""Checks and compiles designs of requests in threads, so that other requests are not blocked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from proflow_compiler.design import Design
from proflow_compiler.diagnostics import has_errors
from proflow_compiler.diagnostics.rendering import check_report
from proflow_compiler.facts.needs import needs_of
from proflow_compiler.pipeline import compile_reading
from proflow_compiler.reader import Reading, read
from proflow_schemas.definition import Definition
from proflow_schemas.handlers import Handlers, types_among
from proflow_schemas.language import Text, Texts
from proflow_schemas.node_types import NodeTypes
from proflow_schemas.readiness import Lacks

from proflow_runtime.service.checking import stored_text
from proflow_runtime.service.drawings import Drawing, drawing
from proflow_runtime.service.problems import Problem
from proflow_runtime.service.readiness import Readiness

TEXTS = Texts(
    "compiling",
    {
        "too-many-nodes": Text(
            "a design has at most {most} nodes",
            "一个设计最多包含 {most} 个节点",
        ),
        "busy": Text("too many designs are being checked now", "正在校验的设计过多，请稍后再试"),
        "too-slow": Text(
            "checking the design takes more than {seconds:raw} s",
            "校验设计的时间超过 {seconds:raw} 秒",
        ),
        "several": Text("the body holds several designs", "请求中包含多个设计"),
    },
)

MOST_AT_ONCE = 2
"""How many designs are compiled at the same time, so that the process stays responsive."""

QUEUED, LONGEST = 20.0, 60.0
"""Seconds that a request may wait for its turn, and that its design may take."""
RETRY_AFTER = 10
"""Seconds after which a client is asked to try again."""
P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Compiled:
    """The result of compiling a canvas.

    Attributes:
        design: The design that was read; None if there is none.
        definition: The definition; None if the design has errors.
        diagnostics: The problems, as in `proflow check --format json`.
        ok: True if there are no errors.
    """

    design: Design | None
    definition: Definition | None
    diagnostics: list[dict[str, Any]]
    ok: bool


class DesignCompiler:
    """Compiles canvases that are to be stored."""

    def __init__(
        self,
        handlers: Handlers | None,
        *,
        max_nodes: int,
        types: NodeTypes | None = None,
        hurried: bool = True,
        readiness: Readiness | None = None,
    ) -> None:
        """Create the compiler.

        Args:
            handlers: The handlers that designs may call; None to accept any.
            max_nodes: How many nodes a design may have.
            types: The node types; by default the built-in ones and those of `handlers`.
            hurried: True if somebody waits for the answer: then neither the wait for a free slot
                nor the work itself may take long.
            readiness: Says what the host lacks; None: it is not asked.
        """
        self._readiness = readiness
        self._handlers, self._max_nodes = handlers, max_nodes
        self.types = types or types_among(handlers)
        self._slots = asyncio.Semaphore(MOST_AT_ONCE)
        self._waits: float | None = QUEUED if hurried else None
        self._works: float | None = LONGEST if hurried else None

    async def compile(
        self,
        canvas: Any,
        code: str | None = None,
        *,
        timezone: str | None = None,
        tenant_id: int | None = None,
    ) -> Compiled:
        """Check and compile a canvas.

        Args:
            canvas: The canvas as JSON.
            code: The code of the design, which becomes the id of the workflow.
            timezone: The tenant's time zone, if it has one.
            tenant_id: The tenant for which the host is asked whether it is ready; None: the host is
                not asked.

        Raises:
            Problem: If the canvas has too many nodes (413), holds several designs (422), takes too
                long (422), or if too many others are being compiled (503).
        """
        text = stored_text(canvas, code)
        reading = await self._performed(self._read, canvas, text, code or "design")
        if len(reading.designs) > 1:
            raise Problem(422, "several-designs", TEXTS("several"))
        lacks = await self._lacks(tenant_id, reading)
        return await self._performed(self._compiled, reading, timezone, lacks)

    async def _lacks(self, tenant_id: int | None, reading: Reading) -> Lacks | None:
        if tenant_id is None or self._readiness is None:
            return None
        return await self._readiness.lacks(tenant_id, needs_of(reading.designs))

    async def draw(
        self, canvas: Any, *, timezone: str | None = None, tenant_id: int | None = None
    ) -> Drawing:
        """Draw a canvas.

        Args:
            canvas: The canvas as JSON.
            timezone: The tenant's time zone, if it has one.
            tenant_id: The tenant for which the host is asked whether it is ready; None: the host is
                not asked.

        Raises:
            Problem: If the canvas has too many nodes (413).
        """
        text = json.dumps(canvas, ensure_ascii=False).encode("utf-8", "replace")
        reading = await self._performed(self._read, canvas, text, "design")
        lacks = await self._lacks(tenant_id, reading)
        return await self._performed(self._drawn, reading, timezone, lacks)

    async def _performed(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Work in a thread, within the limits. A thread that takes too long keeps its slot."""
        try:
            async with asyncio.timeout(self._waits):
                await self._slots.acquire()
        except TimeoutError:
            message = TEXTS("busy")
            raise Problem(503, "compiler-busy", message, retry_after=RETRY_AFTER) from None
        working = asyncio.create_task(asyncio.to_thread(work, *args, **kwargs))
        working.add_done_callback(self._freed)
        try:
            async with asyncio.timeout(self._works):
                return await asyncio.shield(working)
        except TimeoutError:
            message = TEXTS("too-slow", seconds=f"{LONGEST:g}")
            raise Problem(422, "design-too-costly", message) from None

    def _freed(self, working: asyncio.Task[Any]) -> None:
        self._slots.release()
        if not working.cancelled():
            working.exception()  # nobody may be left to be told

    def _read(self, canvas: Any, text: bytes, name: str) -> Reading:
        """Read the designs of a canvas; raises `Problem` if one has too many nodes."""
        nodes = canvas.get("nodes") if isinstance(canvas, Mapping) else None
        large = isinstance(nodes, list | dict) and len(nodes) > self._max_nodes
        if not large:  # else it need not be read
            reading = read(text, f"{name}.json", types=self.types)
            large = any(len(design.nodes) > self._max_nodes for design in reading.designs)
        if large:
            message = TEXTS("too-many-nodes", most=self._max_nodes)
            raise Problem(413, "design-too-large", message)
        return reading

    def _drawn(self, reading: Reading, timezone: str | None, lacks: Lacks | None) -> Drawing:
        return drawing(reading, handlers=self._handlers, timezone=timezone, lacks=lacks)

    def _compiled(self, reading: Reading, timezone: str | None, lacks: Lacks | None) -> Compiled:
        found = compile_reading(
            reading, handlers=self._handlers, stored=True, timezone=timezone, lacks=lacks
        )
        ok = not has_errors([*reading.diagnostics, *found.diagnostics]) and bool(found.definitions)
        files = check_report(found.reports)["files"]
        return Compiled(
            reading.designs[0] if reading.designs else None,
            found.definitions[0] if ok else None,
            [one for file in files for one in file["diagnostics"]],
            ok,
        )
