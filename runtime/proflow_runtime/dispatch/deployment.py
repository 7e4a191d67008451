"""Creates the Inngest functions of all stored designs, and deploys them again when they change."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import inngest

from proflow_runtime.dispatch import closing
from proflow_runtime.dispatch.closing import Closer, Ended
from proflow_runtime.dispatch.crons import Ticker
from proflow_runtime.dispatch.missed import MissedTicks
from proflow_runtime.dispatch.outdated import Recompile
from proflow_runtime.dispatch.programs import Programs
from proflow_runtime.dispatch.running import BoardOf, Finish, Interpreter, Leaving
from proflow_runtime.dispatch.start_request import CLOSE, RUN
from proflow_runtime.dispatch.starting import Starter
from proflow_runtime.flow.approvals import Opener
from proflow_runtime.flow.subprocess import LINEAGE, WITH_PARENT
from proflow_runtime.handlers.registry import Registry
from proflow_runtime.protocol.app_names import AppNames
from proflow_runtime.status import OF_THE_PROCESS, Recorders
from proflow_runtime.store import triggers
from proflow_runtime.store.triggers import Key
from proflow_runtime.tenants import TenantZones

RETRIES = 20
"""The retries that Inngest allows; nodes set their own, smaller numbers of attempts."""
TENANT_CONCURRENCY = 50
"""How many steps of one tenant may run at the same time, by default."""

Function = inngest.Function[Any]
OF_RUN = (
    f"async.data.run_id == event.data.{LINEAGE}.run && async.data.tenant_id == event.data.tenant_id"
)
"""Matches the event that cancels a run."""


class Target(Protocol):
    """Serves functions to Inngest."""

    async def deploy(self, functions: Sequence[Function]) -> None:
        """Serve these functions from now on, and register them with Inngest."""
        ...


@dataclass(frozen=True)
class Limits:
    """Limits of all stored designs.

    Attributes:
        tenant_concurrency: How many steps of one tenant may run at the same time.
    """

    tenant_concurrency: int = TENANT_CONCURRENCY


class Deployment:
    """The functions of all published designs, and their deployment to a target.

    There is one function for each key, that is, for each event and each cron in a time zone of all
    tenants' published designs; and there are the interpreter and the closing function. A key whose
    last design is gone keeps its function until the process ends, because runs of that function may
    be in flight.
    """

    def __init__(
        self,
        client: inngest.Inngest,
        registry: Registry,
        target: Target,
        *,
        limits: Limits | None = None,
        zones: TenantZones | None = None,
        opener: Opener | None = None,
        closer: Leaving | None = None,
        ended: Ended | None = None,
        finish: Finish | None = None,
        recompile: Recompile | None = None,
        recorders: Recorders = OF_THE_PROCESS,
        board: BoardOf | None = None,
        own: Sequence[Function] = (),
    ) -> None:
        """Create the deployment; nothing is deployed before `refresh`.

        Args:
            client: The Inngest client that functions are created with.
            registry: The handlers that designs call.
            target: Serves the functions.
            limits: The limits of all designs.
            zones: The time zones of tenants.
            opener: Opens approvals.
            closer: Closes approvals that a run no longer waits for.
            ended: Called when a run has ended.
            finish: Records that a run has completed; by default in the tables of runs and tasks
                only.
            recompile: Compiles a definition of an older format again.
            recorders: Get a snapshot of the node states after each replay.
            board: Returns the record of the approvals of a run, by tenant and run, against which
                answers to approvals are checked.
            own: The host's functions, which are deployed together with those of designs.

        Raises:
            ValueError: If two of `own` have the same id, or one has the id of the interpreter or
                of the closing function.
        """
        self._client, self._target = client, target
        self._limits = limits or Limits()
        programs = self._programs = Programs(registry, recompile=recompile)
        self._names = AppNames(client.app_id)
        self._starter = Starter(programs, self._names)
        self._zones = zones or TenantZones()
        self._interpreter = Interpreter(
            programs, self._names, opener, closer, ended, finish, self._zones, recorders, board
        )
        self._own = tuple(own)
        self.own_ids = _own_ids(self._own)
        self._closer = Closer(programs, ended)
        self.missed = MissedTicks(programs, self._names, self._zones)
        self._keys: frozenset[Key] | None = None
        self._lock = asyncio.Lock()
        self.deployed = 0
        """How many times functions were deployed."""

    @property
    def function_ids(self) -> frozenset[str]:
        """The ids of the deployed functions, without the prefix of the app."""
        return self.own_ids | _ids(self._keys or ())

    async def refresh(self, *, force: bool = False) -> bool:
        """Read the keys from the database, and deploy if there are new ones.

        Args:
            force: True to deploy in any case.

        Returns:
            True if functions were deployed.
        """
        async with self._lock:
            known = self._keys or frozenset()
            keys = known | await triggers.keys(self._zones.of_all)
            if self._keys is not None and keys == known and not force:
                return False
            await self._target.deploy(self.functions(keys))
            self._keys = keys
            self.deployed += 1
            return True

    async def published(self, keys: Iterable[Key]) -> bool:
        """Deploy if a published version has new keys.

        Args:
            keys: The keys of the version.

        Returns:
            True if functions were deployed.
        """
        if self._keys is not None and self._keys.issuperset(keys):
            return False
        return await self.refresh()

    async def knows(self, function_id: str) -> bool:
        """True if a function is deployed, after a look into the database if it is not known yet."""
        if function_id in self.function_ids:
            return True
        await self.refresh()
        return function_id in self.function_ids

    def functions(self, keys: Iterable[Key]) -> list[Function]:
        """Create the host's functions, one for each key, the interpreter and the closing function."""
        create = self._client.create_function
        found = [*self._own]
        found += [
            create(
                fn_id=event_function_id(name),
                name=f"On {name}",
                trigger=inngest.TriggerEvent(event=name),
                retries=RETRIES,
            )(_handler(self._starter))
            for name in sorted({key.key for key in keys if key.kind != "cron"})
        ]
        found += [
            create(
                fn_id=cron_function_id(cron),
                name=f"At {cron}",
                trigger=inngest.TriggerCron(cron=cron),
                retries=RETRIES,
            )(_handler(Ticker(self._programs, self._names, self._zones, cron)))
            for cron in sorted({key.key for key in keys if key.kind == "cron"})
        ]
        concurrency = inngest.Concurrency(
            limit=self._limits.tenant_concurrency, key="string(event.data.tenant_id)"
        )
        return [
            *found,
            create(
                fn_id=RUN,
                name="Run",
                trigger=inngest.TriggerEvent(event=self._names.run),
                retries=RETRIES,
                concurrency=[concurrency],
                cancel=[inngest.Cancel(event=self._names.cancel, if_exp=OF_RUN), WITH_PARENT],
            )(_handler(self._interpreter)),
            create(
                fn_id=CLOSE,
                name="Close",
                trigger=closing.triggers(self._names),
                retries=RETRIES,
            )(_handler(self._closer)),
        ]


def event_function_id(name: str) -> str:
    """Return the id of the function for an event; different event names have different ids."""
    return f"on-{_slug(name)}"


def cron_function_id(cron: str) -> str:
    """Return the id of the function for a cron with its time zone."""
    return f"cron-{_slug(cron)}"


def _ids(keys: Iterable[Key]) -> set[str]:
    return {
        RUN,
        CLOSE,
        *(
            cron_function_id(key.key) if key.kind == "cron" else event_function_id(key.key)
            for key in keys
        ),
    }


def _own_ids(functions: Sequence[Function]) -> frozenset[str]:
    """Collect the ids of the host's functions and of their failure handlers."""
    found: set[str] = set()
    for function in functions:
        name = function.local_id
        if name in found:
            raise ValueError(f"two of `functions` have the id `{name}`")
        if name in (RUN, CLOSE):
            raise ValueError(
                f"one of `functions` has the id `{name}`, which is that of one of ours"
            )
        found.add(name)
    failing = {f"{one.local_id}-failure" for one in functions if one.on_failure_fn_id is not None}
    return frozenset(found | failing)


def _slug(text: str) -> str:
    words = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40].strip("-")
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{words}-{digest}" if words else digest


def _handler(
    body: Callable[[inngest.Context], Awaitable[Any]],
) -> Callable[[inngest.Context], Awaitable[Any]]:
    async def handler(ctx: inngest.Context) -> Any:
        return await body(ctx)

    return handler
