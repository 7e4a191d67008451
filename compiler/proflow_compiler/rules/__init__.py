"""Internal: the rules that check the meaning of a design, one file each.

A rule is a module with a `RULE`, which holds its code and texts, and a function `check`, which
takes the facts of a design and yields diagnostics. The modules are found by their `RULE`; the module,
the rule, its folder of fixtures and its doc page have the same name. Rules that an earlier or later
stage checks have no function `check`.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator

from proflow_schemas.handlers import Handlers
from proflow_schemas.readiness import Lacks

from proflow_compiler.diagnostics import Diagnostic
from proflow_compiler.facts import Facts
from proflow_compiler.facts.calls import Calls
from proflow_compiler.graph import Graph
from proflow_compiler.rules.reading import READING_RULES
from proflow_compiler.rules.rule import Rule

__all__ = ["CHECKS", "RULES", "Calls", "Rule", "run_checks"]

_MODULES = sorted(
    (
        module
        for found in pkgutil.iter_modules(__path__)
        if hasattr(module := importlib.import_module(f"{__name__}.{found.name}"), "RULE")
    ),
    key=lambda module: str(module.RULE.code),
)

RULES: tuple[Rule, ...] = (*READING_RULES, *(module.RULE for module in _MODULES))
"""Every rule, whichever stage checks it."""

CHECKS: tuple[tuple[Rule, Callable[[Facts], Iterable[Diagnostic]]], ...] = tuple(
    (module.RULE, module.check) for module in _MODULES if hasattr(module, "check")
)
"""Every rule that is checked on the graph with its check, in the order of their codes."""


def run_checks(
    graph: Graph,
    *,
    handlers: Handlers | None = None,
    calls: Calls | None = None,
    stored: bool = False,
    timezone: str | None = None,
    fixing: bool = True,
    lacks: Lacks | None = None,
) -> list[Diagnostic]:
    """Check a design against all rules.

    Args:
        graph: The graph of the design.
        handlers: The handlers that the host registers; None: calls of handlers are not checked.
        calls: The calls between all known designs; None: this is the only known design.
        stored: True if the design is to be stored.
        timezone: The time zone of designs that name none; None if it is not known.
        fixing: False to leave out fixes that are expensive to find.
        lacks: What the host lacks of what the design needs; None: the host is not asked.

    Returns:
        The diagnostics, in the order of the rules. They have JSON pointers; `locate` adds lines.
    """
    calls = Calls.among([graph.design], complete=False) if calls is None else calls
    return list(_run(Facts(graph, handlers, calls, stored, fixing, timezone, lacks)))


def _run(facts: Facts) -> Iterator[Diagnostic]:
    for _, check in CHECKS:
        yield from check(facts)
