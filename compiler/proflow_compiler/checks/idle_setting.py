"""PF318: a setting of an approval that has no effect beside the others."""

from collections.abc import Iterator

from proflow_schemas.durations import DurationError, parse_duration
from proflow_schemas.nodes import Approval

from proflow_compiler.checks.facts import Facts
from proflow_compiler.checks.rule import Rule
from proflow_compiler.checks.sites import pointed
from proflow_compiler.checks.wording import ticks
from proflow_compiler.design import Node
from proflow_compiler.diagnostics import Diagnostic, Fix, Level
from proflow_compiler.fixes.making import fix, remove_key

RULE = Rule(
    code="PF318",
    name="idle-setting",
    level=Level.WARNING,
    fixable=True,
    summary="a setting of an approval that never takes effect, because of another one",
    why="""
`timeoutAction` acts at a `timeout`, `passRatio` counts in the mode `quorum`, `fallbackApproverIds`
are asked with `emptyApproverPolicy: fallbackUser`, a reminder comes before the timeout. Given
without the other they look as if something were taken care of that is not.
""",
    incorrect="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "boss", "type": "approval",
     "data": {"approverType": "manager", "timeoutAction": "approve"}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "boss"},
    {"source": "boss", "target": "done"}
  ]
}
""",
    correct="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "boss", "type": "approval",
     "data": {"approverType": "manager", "timeout": "3d", "timeoutAction": "approve"}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "boss"},
    {"source": "boss", "target": "done"}
  ]
}
""",
    fix="Give the setting it depends on, or remove it.",
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    for name, node in facts.graph.design.nodes.items():
        config = node.config
        if not isinstance(config, Approval):
            continue
        for key, why, help in _idle(config):
            yield RULE.diagnostic(
                f"`{key}` of {ticks(name)} has no effect: {why}",
                node.pointer_to(key),
                node=name,
                label="has no effect",
                help=help,
                fixes=_removed(node, key),
            )
        if _late_reminder(config):
            yield _reminder(name, node)


def _idle(config: Approval) -> Iterator[tuple[str, str, str]]:
    if config.timeout_action in ("approve", "reject", "remind") and config.timeout is None:
        yield "timeoutAction", "there is no `timeout`", "give `timeout`, such as `24h`"
    if config.pass_ratio is not None and config.approval_mode != "quorum":
        mode = config.approval_mode
        yield "passRatio", f"the mode is `{mode}`", "set `approvalMode` to `quorum`"
    if config.fallback_approver_ids and config.empty_approver_policy != "fallbackUser":
        why = "`emptyApproverPolicy` is not `fallbackUser`"
        yield "fallbackApproverIds", why, "set `emptyApproverPolicy` to `fallbackUser`"


def _removed(node: Node, key: str) -> Iterator[Fix]:
    if key in node.config_pointers:
        yield fix(f"remove `{key}`, which has no effect", remove_key(node, key), safe=True)


def _late_reminder(config: Approval) -> bool:
    if config.reminders is None or config.timeout is None or config.timeout_action == "remind":
        return False
    try:
        return parse_duration(config.reminders.after) >= parse_duration(config.timeout)
    except DurationError:
        return False  # bad-duration says so


def _reminder(name: str, node: Node) -> Diagnostic:
    return RULE.diagnostic(
        f"`reminders` of {ticks(name)} have no effect: the `timeout` comes first",
        pointed(node.pointer_to("reminders"), "after"),
        node=name,
        label="not before the timeout",
        help="remind earlier, or wait longer",
        fixes=_removed(node, "reminders"),
    )
