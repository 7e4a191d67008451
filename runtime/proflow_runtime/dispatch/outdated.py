"""Decides whether a run can continue with a definition that was compiled again for a newer format.

A run that has not begun uses the new definition of its version. A run that has begun may use it only
if the program is the same: the run is replayed over its completed steps, and another program could
miss some of them or execute them twice.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from proflow_schemas.definition import canonical_json
from proflow_schemas.errors import ProFlowError

Recompile = Callable[[int, str, int], Awaitable[str]]
"""Compiles a version again, given its tenant, workflow and number, and returns the new digest.

Raises `RefusedDesignError`.
"""
SETTINGS = ("scope", "maxAttempts", "initiator")
"""The settings that affect how a run executes its steps; others start, name or draw it."""
BLOCKS = {"steps", "armedWith"}
"""Keys of ops that hold a block of ops."""
BRANCHES = {"arms", "cases", "tasks"}
"""Keys of ops that hold a list of branches, each with a block."""
MOST_SHOWN = 3
"""How many diagnostics a message lists at most."""


class RefusedDesignError(ProFlowError):
    """A version has a definition of an older format, and its design does not compile any more.

    Attributes:
        tenant_id: The tenant that owns the design.
        code: The code of the design.
        version: The number of the version.
        diagnostics: The problems of the design, as in `proflow check --format json`.
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
        """Build the error for a design that has errors; the message lists the first of them."""
        errors = [one for one in diagnostics if one["level"] == "error"]
        shown = "; ".join(f"{one['code']}: {one['message']}" for one in errors[:MOST_SHOWN])
        more = f"; {len(errors) - MOST_SHOWN} more" if len(errors) > MOST_SHOWN else ""
        reason = f"its design is refused now: {shown}{more}"
        return cls(tenant_id, code, version, reason, diagnostics)


def is_same_program(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """True if two stored definitions execute the same steps in every run.

    Their formats may differ. The order of parallel arms, of a region's tasks and of cases is
    ignored, because it has no effect.
    """
    return _program(old) == _program(new)


def _program(body: Mapping[str, Any]) -> dict[str, Any]:
    found = {key: body.get(key) for key in SETTINGS}
    found["steps"] = _block(body["steps"])
    found["functions"] = {name: _block(ops) for name, ops in body.get("functions", {}).items()}
    found["parts"] = {name: _part(part) for name, part in body.get("parts", {}).items()}
    return found


def _part(part: Mapping[str, Any]) -> dict[str, Any]:
    """Normalize a part; the nodes that it reads and keeps are sets, so their order is ignored."""
    sets = {key: sorted(part.get(key, [])) for key in ("reads", "keeps")}
    return {**sets, "steps": _block(part["steps"])}


def _block(ops: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [_op(op) for op in ops]


def _op(op: Mapping[str, Any]) -> dict[str, Any]:
    """Normalize an op by sorting the lists whose order has no effect."""
    found = dict(op)
    for key in BLOCKS & op.keys():
        found[key] = _block(op[key])
    for key in BRANCHES & op.keys():
        found[key] = sorted(map(_branch, op[key]), key=canonical_json)
    return found


def _branch(branch: Mapping[str, Any]) -> dict[str, Any]:
    """Normalize an arm, a case, or a task of a region."""
    found = {**branch, "steps": _block(branch["steps"])}
    if "outcomes" in branch:
        found["outcomes"] = sorted(branch["outcomes"])
    if "after" in branch:
        edges = [{**one, "outcomes": sorted(one.get("outcomes", []))} for one in branch["after"]]
        found["after"] = sorted(edges, key=canonical_json)
    return found
