"""Internal: the rules that check the meaning of a design, one file each.

A rule is a module with a `RULE`, which holds its code and texts, and a function `check`, which
takes the facts of a design and yields diagnostics. The module, the rule, its folder of fixtures and
its doc page have the same name.
"""

from collections.abc import Callable, Iterable, Iterator

from proflow_schemas.handlers import Handlers
from proflow_schemas.readiness import Lacks

from proflow_compiler.diagnostics import Diagnostic
from proflow_compiler.facts import Facts
from proflow_compiler.facts.calls import Calls
from proflow_compiler.graph import Graph
from proflow_compiler.rules import (
    ambiguous_delay,
    ambiguous_result,
    ambiguous_wait,
    bad_cron,
    bad_duration,
    bad_event_name,
    bad_match,
    bad_reject_to,
    call_cycle,
    concurrency_across_loop,
    concurrent_merge,
    conflicting_settings,
    dead_end,
    dead_outcome,
    deadlocked_join,
    excessive_join_count,
    handler_input,
    idle_setting,
    implicit_bound,
    inexact_number,
    invalid_expression,
    invalid_schema,
    jump_into_loop,
    late_branch,
    lost_answer,
    missing_default,
    missing_end,
    missing_start,
    multiple_starts,
    naive_time,
    not_a_condition,
    not_ready,
    reference_may_be_missing,
    refused_condition,
    shadowed_rule,
    surprising_cron,
    tenantless_approval,
    too_many_cancellations,
    too_many_limits,
    too_many_steps,
    too_many_triggers,
    unbounded_cycle,
    unclear_join,
    unknown_handler,
    unknown_reference,
    unknown_workflow,
    unreachable_node,
    unsatisfiable_approval,
    unsupported_when_stored,
    unused_output,
)
from proflow_compiler.rules.rule import Rule

__all__ = ["CHECKS", "Calls", "Rule", "run_checks"]

CHECKS: tuple[tuple[Rule, Callable[[Facts], Iterable[Diagnostic]]], ...] = tuple(
    (module.RULE, module.check)
    for module in (
        missing_start,
        multiple_starts,
        missing_end,
        unreachable_node,
        dead_end,
        unbounded_cycle,
        jump_into_loop,
        concurrency_across_loop,
        deadlocked_join,
        concurrent_merge,
        missing_default,
        shadowed_rule,
        excessive_join_count,
        dead_outcome,
        implicit_bound,
        bad_reject_to,
        unclear_join,
        late_branch,
        invalid_expression,
        not_a_condition,
        unknown_reference,
        reference_may_be_missing,
        unknown_handler,
        unsatisfiable_approval,
        ambiguous_wait,
        ambiguous_result,
        lost_answer,
        unused_output,
        call_cycle,
        unsupported_when_stored,
        unknown_workflow,
        conflicting_settings,
        ambiguous_delay,
        bad_match,
        tenantless_approval,
        invalid_schema,
        idle_setting,
        not_ready,
        inexact_number,
        naive_time,
        handler_input,
        too_many_steps,
        bad_duration,
        bad_cron,
        too_many_triggers,
        too_many_limits,
        too_many_cancellations,
        bad_event_name,
        surprising_cron,
        refused_condition,
    )
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
