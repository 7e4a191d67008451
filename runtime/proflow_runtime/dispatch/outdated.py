"""What becomes of runs whose definition has an older format.

A run that has not begun takes what its version compiles to now. A run that has begun goes on with
that only if the program is the same: it is replayed over the steps it has behind it, and another
program could miss them or do them twice.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from proflow_schemas.definition import canonical_json
from proflow_schemas.errors import ProFlowError

Recompile = Callable[[int, str, int], Awaitable[str]]
"""Compiles a tenant's workflow, in a version, again; its digest. Raises `RefusedDesignError`."""
SETTINGS = ("scope", "maxAttempts", "initiator")
"""What decides how a run does its steps; other settings start, name and draw it."""
BLOCKS = {"steps", "armedWith"}
BRANCHES = {"arms", "cases", "tasks"}
"""Keys of ops that hold ops: a block, or a list of which each has one."""
MOST_TOLD = 3
"""Diagnostics that a message names, at most."""


class RefusedDesignError(ProFlowError):
    """A version has a definition of an older format, and its design does not compile any more.

    Attributes:
        tenant_id, code, version: Which one.
        diagnostics: Why, as `proflow check --format json` has them.
    """

    def __init__(
        self,
        tenant_id: int,
        code: str,
        version: int,
        reason: str,
        diagnostics: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        super().__init__(
            f"`{code}` of tenant {tenant_id}, version {version}, cannot run since an upgrade of"
            f" ProFlow: {reason}"
        )
        self.tenant_id = tenant_id
        self.code = code
        self.version = version
        self.diagnostics = list(diagnostics)

    @classmethod
    def by_diagnostics(
        cls, tenant_id: int, code: str, version: int, diagnostics: Sequence[Mapping[str, Any]]
    ) -> RefusedDesignError:
        """Of a design that has errors."""
        errors = [one for one in diagnostics if one["level"] == "error"]
        told = "; ".join(f"{one['code']}: {one['message']}" for one in errors[:MOST_TOLD])
        more = f"; {len(errors) - MOST_TOLD} more" if len(errors) > MOST_TOLD else ""
        reason = f"its design is refused now: {told}{more}"
        return cls(tenant_id, code, version, reason, diagnostics)


def is_same_program(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """True if two definitions, as they are stored, do the same steps in every run.

    The formats may differ. The order of parallel arms, of a region's tasks and of cases decides
    nothing, and is ignored.
    """
    return _program(old) == _program(new)


def _program(body: Mapping[str, Any]) -> dict[str, Any]:
    found = {key: body.get(key) for key in SETTINGS}
    found["steps"] = _block(body["steps"])
    found["functions"] = {name: _block(ops) for name, ops in body.get("functions", {}).items()}
    found["parts"] = {name: _part(part) for name, part in body.get("parts", {}).items()}
    return found


def _part(part: Mapping[str, Any]) -> dict[str, Any]:
    """What a part is handed and hands back are sets of nodes."""
    sets = {key: sorted(part.get(key, [])) for key in ("reads", "keeps")}
    return {**sets, "steps": _block(part["steps"])}


def _block(ops: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [_op(op) for op in ops]


def _op(op: Mapping[str, Any]) -> dict[str, Any]:
    """An op with the lists sorted whose order decides nothing."""
    found = dict(op)
    for key in BLOCKS & op.keys():
        found[key] = _block(op[key])
    for key in BRANCHES & op.keys():
        found[key] = sorted(map(_branch, op[key]), key=canonical_json)
    return found


def _branch(branch: Mapping[str, Any]) -> dict[str, Any]:
    """An arm, a case, or a task of a region."""
    found = {**branch, "steps": _block(branch["steps"])}
    if "outcomes" in branch:
        found["outcomes"] = sorted(branch["outcomes"])
    if "after" in branch:
        edges = [{**one, "outcomes": sorted(one.get("outcomes", []))} for one in branch["after"]]
        found["after"] = sorted(edges, key=canonical_json)
    return found
