"""Loads stored definitions by digest and prepares them to run, once per process."""

from __future__ import annotations

import json
import logging
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import inngest
from proflow_schemas.definition import Definition, UnknownFormatError
from proflow_schemas.errors import ProFlowError
from proflow_schemas.times import UTC_NAME
from pydantic import ValidationError

from proflow_runtime.dispatch.outdated import Recompile, RefusedDesignError, is_same_program
from proflow_runtime.flow.scope import Workflow
from proflow_runtime.handlers.registry import Registry
from proflow_runtime.programs.interpreter import Program, interpret
from proflow_runtime.store import designs, formats
from proflow_runtime.store.formats import About

K = TypeVar("K")
T = TypeVar("T")
log = logging.getLogger("proflow.stored")
KEPT = 512
"""How many definitions a process caches at most."""


@dataclass(frozen=True)
class Prepared:
    """A definition, and the program that the interpreter has built from it."""

    definition: Definition
    program: Program

    @cached_property
    def labels(self) -> dict[str, str]:
        """The label of each node on the canvas, by the node's id."""
        return {node.id: node.label for node in self.definition.canvas.nodes}

    def workflow(self, version: int, timezone: str | None = None) -> Workflow:
        """Describe a version for expressions and node states.

        Args:
            version: The number of the version.
            timezone: The tenant's time zone, which applies if the definition names none. Runs that
                were begun without one use UTC.
        """
        definition = self.definition
        return Workflow(
            definition.id,
            definition.digest,
            str(version),
            definition.max_attempts,
            definition.scope,
            definition.initiator,
            definition.timezone or timezone or UTC_NAME,
        )


@dataclass(frozen=True)
class Pin:
    """The version of a tenant's workflow that a run uses, with the digest of its definition."""

    tenant_id: int
    workflow: str
    version: int
    digest: str


class Programs:
    """A cache of stored definitions by digest; a digest's definition never changes.

    Definitions of an older format are compiled again by `recompile`. Without it, runs of such
    definitions fail.
    """

    def __init__(
        self, registry: Registry, *, recompile: Recompile | None = None, kept: int = KEPT
    ) -> None:
        self.registry = registry
        self._recompile = recompile
        self._kept = kept
        self._about: OrderedDict[str, About] = OrderedDict()
        self._definitions: OrderedDict[str, Definition] = OrderedDict()
        self._prepared: OrderedDict[str, Prepared] = OrderedDict()
        self._continued: OrderedDict[Pin, str] = OrderedDict()

    async def about(self, digest: str) -> About:
        """Read the properties of a definition that are the same in every format.

        Args:
            digest: The digest of the definition.

        Raises:
            NonRetriableError: If no definition with this digest is stored.
        """
        found = self._about.get(digest)
        if found is None:
            found = await formats.about(digest)
            if found is None:
                raise _unknown(digest)
        self._keep(self._about, digest, found)
        return found

    async def to_begin(self, pin: Pin) -> str:
        """Find the definition for a run that has not begun.

        Args:
            pin: The version that the run uses.

        Returns:
            The digest of the version's definition in the current format.

        Raises:
            NonRetriableError: If no definition with the digest of `pin` is stored.
            RefusedDesignError: If the definition has an older format and the design does not
                compile any more.
            UnknownFormatError: If the format is newer; a newer process can run it.
        """
        try:
            await self._definition(pin.digest)
        except UnknownFormatError as error:
            return await self._replacement(pin, error)
        return pin.digest

    async def get(self, pin: Pin) -> Prepared:
        """Get the prepared definition for a run that has begun.

        Args:
            pin: The version that the run uses.

        Raises:
            UnknownFormatError: If the format is newer; a newer process can run it.
            NonRetriableError: If the run cannot continue.
        """
        digest = self._continued.get(pin, pin.digest)
        found = self._prepared.get(digest)
        if found is None:
            definition = await self._of_begun(pin)
            digest = definition.digest
            try:
                program = interpret(definition, self.registry)
            except (LookupError, ValueError, TypeError) as error:
                raise _unreadable(digest, error) from error
            found = Prepared(definition, program)
        self._keep(self._prepared, digest, found)
        return found

    async def _of_begun(self, pin: Pin) -> Definition:
        try:
            return await self._definition(self._continued.get(pin, pin.digest))
        except UnknownFormatError as error:
            unknown = error
        try:
            digest = await self._replacement(pin, unknown)
        except RefusedDesignError as refused:
            raise inngest.NonRetriableError(str(refused)) from None
        old, new = await formats.body(pin.digest), await formats.body(digest)
        if old is None or new is None or not is_same_program(old, new):
            raise inngest.NonRetriableError(
                f"the run has begun with version {pin.version} of `{pin.workflow}` in the format"
                f" `{unknown.format}`; compiled again for this version of ProFlow it would do other"
                " steps, so the run cannot go on: start it again"
            )
        self._keep(self._continued, pin, digest)
        return await self._definition(digest)

    async def _replacement(self, pin: Pin, unknown: UnknownFormatError) -> str:
        if not unknown.is_older:
            log.warning("a run of `%s` of tenant %s: %s", pin.workflow, pin.tenant_id, unknown)
            raise unknown
        if self._recompile is None:
            raise RefusedDesignError(
                *(pin.tenant_id, pin.workflow, pin.version, f"{unknown}; publish it again")
            )
        return await self._recompile(pin.tenant_id, pin.workflow, pin.version)

    async def _definition(self, digest: str) -> Definition:
        found = self._definitions.get(digest)
        if found is None:
            try:
                found = await designs.definition(digest)
            except (ValidationError, json.JSONDecodeError) as error:
                raise _unreadable(digest, error) from error
            if found is None:
                raise _unknown(digest)
        self._keep(self._definitions, digest, found)
        return found

    def _keep(self, kept: OrderedDict[K, T], key: K, one: T) -> None:
        kept[key] = one
        kept.move_to_end(key)
        while len(kept) > self._kept:
            kept.popitem(last=False)


class UnreadableDefinitionError(ProFlowError, inngest.NonRetriableError):
    """What is stored as a definition is none; no attempt and no deployment can run it."""


def _unreadable(digest: str, error: Exception) -> UnreadableDefinitionError:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return UnreadableDefinitionError(f"the definition `{digest}` cannot be read: {reason}")


def _unknown(digest: str) -> inngest.NonRetriableError:
    return inngest.NonRetriableError(f"there is no definition `{digest}`")
