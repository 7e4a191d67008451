"""PF318: a setting that has no effect because of other settings, or because of its position."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from proflow_schemas.configs import Config, Duration, Retried, Retry
from proflow_schemas.durations import DurationError, parse_duration
from proflow_schemas.node_types.approval import Approval
from proflow_schemas.node_types.end import End
from proflow_schemas.node_types.join import Join
from proflow_schemas.settings import Settings

from proflow_compiler.design import Edge, Node
from proflow_compiler.diagnostics import Diagnostic, Edit, Fix, Level
from proflow_compiler.diagnostics.design_edits import fix
from proflow_compiler.diagnostics.message_text import shown as shown_text
from proflow_compiler.diagnostics.message_text import ticks
from proflow_compiler.facts import Facts
from proflow_compiler.facts.sites import pointed
from proflow_compiler.rules.rule import Rule

RULE = Rule(
    code="PF318",
    name="idle-setting",
    level=Level.WARNING,
    fixable=True,
    summary="""a setting of a node, an edge or the design that never takes effect, because of another
one, or because of where it stands""",
    why="""
Given without what it depends on, a setting looks as if something were taken care of that is not:

| setting | has no effect |
|---|---|
| `timeoutAction` of an approval | without a `timeout` |
| `passRatio` | in any mode but `quorum` |
| `approverIds` | with `initiator` and `initiatorSelect`, which name nobody by ids |
| `fallbackApproverIds` | without `emptyApproverPolicy: fallbackUser` |
| `reminders` | if the `timeout` comes first |
| `every` of reminders | with `max: 1`, and if the `timeout` comes before the second |
| `max` of reminders | without `every`: there is one reminder |
| `initialInterval`, `maxInterval`, `multiplier` of `retry` | with one attempt |
| `maxInterval`, `multiplier` | without `initialInterval`: Inngest decides on the pauses |
| `initialInterval` | longer than `maxInterval`: every pause lasts `maxInterval` |
| `multiplier` | with two attempts, or a `maxInterval` that is no longer than `initialInterval` |
| `mode` of a join | with a single edge into it |
| `status` of the only end in a container | without `terminate` or `fail`: an item has an output only |
| `terminate` of an end | with `fail`, which stops the run as well |
| `priority` of an edge | without a rule, and behind an `inclusive`, which takes all that hold |
| `default` of an edge | that is the only one, where none has a rule |
| `timeouts` | that say neither `start` nor `finish` |
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


@dataclass(frozen=True)
class _Idle:
    """A setting without effect: its key (`passRatio`, `reminders/max`), why, and what to do."""

    key: str
    why: str
    help: str
    safe: bool = True
    """True if removing it changes nothing: neither runs nor the approvers that the host gets."""
    written: Duration | None = None
    """The value to write instead, if the key cannot be removed."""
    without: str | None = None
    """Another key of the same setting that has no effect either, and is removed with it."""


def check(facts: Facts) -> Iterator[Diagnostic]:
    design = facts.graph.design
    arriving = Counter(edge.target for edge in design.edges)
    ends = Counter(node.parent for node in design.nodes.values() if node.type == "end")
    for name, node in design.nodes.items():
        for one in _of_node(node, arriving[name], ends[node.parent]):
            yield _diagnostic(one, ticks(name), node.config_pointers, node)
    settings = design.settings
    for one in (*_of_retry(settings.retry), *_of_timeouts(settings)):
        yield _diagnostic(one, "the design", design.setting_pointers, None)
    if design.dialect == "proflow":
        yield from _of_edges(facts)


def _diagnostic(
    one: _Idle, owner: str, pointers: Mapping[str, str], node: Node | None
) -> Diagnostic:
    key, _, below = one.key.partition("/")
    pointer = pointers.get(key)
    fixes: list[Fix] = []
    name = below or key
    if pointer is not None:
        whole, pointer = pointer, pointed(pointer, below) if below else pointer
        title, edits = f"remove `{name}`, which has no effect", [Edit("remove", pointer)]
        if one.written is not None:
            title = f"write `{name}: {shown_text(one.written)}`, which is how long they wait"
            edits = [Edit("replace", pointer, one.written)]
            if one.without is not None:
                edits.append(Edit("remove", pointed(whole, one.without)))
        fixes = [fix(title, *edits, safe=one.safe)]
    shown = f"`{name}` of `{key}` of {owner}" if below else f"`{key}` of {owner}"
    return RULE.diagnostic(
        f"{shown} {'have' if name == 'reminders' else 'has'} no effect: {one.why}",
        pointer if pointer is not None else "" if node is None else node.pointer,
        node=None if node is None else node.id,
        label="has no effect",
        help=one.help,
        fixes=fixes,
    )


def _of_node(node: Node, arriving: int, ends: int) -> Iterator[_Idle]:
    config: Config = node.config
    if isinstance(config, Approval):
        yield from _of_approval(config)
    if isinstance(config, Retried):
        yield from _of_retry(config.retry)
    if isinstance(config, Join) and "mode" in node.config_pointers and arriving == 1:
        yield _Idle("mode", "there is one edge into it", "remove it, or draw the other edges")
    if isinstance(config, End):
        alone = node.parent is not None and ends == 1
        yield from _of_end(config, alone=alone, given=node.config_pointers)


def _of_approval(config: Approval) -> Iterator[_Idle]:
    if config.timeout_action in ("approve", "reject", "remind") and config.timeout is None:
        yield _Idle("timeoutAction", "there is no `timeout`", "give `timeout`, such as `24h`")
    if config.pass_ratio is not None and config.approval_mode != "quorum":
        mode = config.approval_mode
        yield _Idle("passRatio", f"the mode is `{mode}`", "set `approvalMode` to `quorum`")
    if config.approver_ids and config.approver_type in ("initiator", "initiatorSelect"):
        who = (
            "who has started the run" if config.approver_type == "initiator" else "whom they chose"
        )
        help = "remove it, or say by `approverType` what the ids are"
        yield _Idle("approverIds", f"`{config.approver_type}` asks {who}", help, safe=False)
    if config.fallback_approver_ids and config.empty_approver_policy != "fallbackUser":
        why = "`emptyApproverPolicy` is not `fallbackUser`"
        yield _Idle("fallbackApproverIds", why, "set `emptyApproverPolicy` to `fallbackUser`")
    reminders = config.reminders
    if reminders is None:
        return
    if config.timeout_action != "remind" and _before(config.timeout, reminders.after):
        yield _Idle("reminders", "the `timeout` comes first", "remind earlier, or wait longer")
    elif reminders.every is None and reminders.max is not None:
        yield _Idle("reminders/max", "without `every` there is one", "give `every`, such as `24h`")
    elif reminders.every is not None and reminders.max == 1:
        yield _Idle("reminders/every", "`max` is 1", "allow more, or remove it")
    elif (
        reminders.every is not None
        and config.timeout_action != "remind"
        and _over_before(config.timeout, reminders.after, reminders.every)
    ):
        why = "the `timeout` comes before a second reminder"
        yield _Idle(
            "reminders/every", why, "remind more often, or wait longer", safe=reminders.max is None
        )


def _before(one: Duration | None, other: Duration) -> bool:
    """Return True if one duration is no longer than another (bad-duration reports malformed ones)."""
    try:
        return one is not None and parse_duration(one) <= parse_duration(other)
    except DurationError:
        return False


def _over_before(timeout: Duration | None, after: Duration, every: Duration) -> bool:
    try:
        first = parse_duration(after) + parse_duration(every)
        return timeout is not None and parse_duration(timeout) <= first
    except (DurationError, OverflowError):
        return False


def _of_retry(retry: Retry | None) -> Iterator[_Idle]:
    if retry is None:
        return
    for attribute, key in (
        ("initial_interval", "initialInterval"),
        ("max_interval", "maxInterval"),
        ("multiplier", "multiplier"),
    ):
        if attribute not in retry.model_fields_set or getattr(retry, attribute) is None:
            continue
        if retry.max_attempts == 1:
            yield _Idle(f"retry/{key}", "there is one attempt", "allow more, or remove it")
        elif key != "initialInterval" and retry.initial_interval is None:
            why = "without `initialInterval` Inngest decides on the pauses"
            yield _Idle(f"retry/{key}", why, "give `initialInterval`, such as `30s`")
    if retry.max_attempts > 1 and retry.initial_interval is not None:
        yield from _of_pauses(retry, retry.initial_interval)


def _of_pauses(retry: Retry, initial: Duration) -> Iterator[_Idle]:
    """Yield the settings of growing pauses that have no effect."""
    grows = "multiplier" in retry.model_fields_set
    longest = retry.max_interval
    if longest is not None and _longer(initial, longest):
        yield _Idle(
            "retry/initialInterval",
            f"`maxInterval` is shorter, so that every pause lasts {ticks(str(longest))}",
            "begin with a shorter pause, or allow longer ones",
            written=longest,
            without="multiplier" if grows else None,
        )
    elif grows and retry.max_attempts == 2:
        yield _Idle("retry/multiplier", "there is one pause", "allow more attempts, or remove it")
    elif grows and longest is not None and not _longer(longest, initial):
        why = "`maxInterval` is no longer than `initialInterval`"
        yield _Idle("retry/multiplier", why, "allow longer pauses, or remove it")


def _longer(one: Duration, other: Duration) -> bool:
    """Return True if a duration is longer than another (bad-duration reports malformed ones)."""
    try:
        return parse_duration(one) > parse_duration(other)
    except DurationError:
        return False


def _of_end(config: End, *, alone: bool, given: Iterable[str]) -> Iterator[_Idle]:
    if config.terminate and config.fail:
        yield _Idle("terminate", "`fail` stops the run as well", "remove one of the two")
    if alone and "status" in given and not (config.terminate or config.fail):
        why = "the result of an item is its `output`"
        yield _Idle("status", why, "put it into `output`, or end the run by `terminate`")


def _of_timeouts(settings: Settings) -> Iterator[_Idle]:
    timeouts = settings.timeouts
    if timeouts is not None and timeouts.start is None and timeouts.finish is None:
        yield _Idle("timeouts", "it sets no time", 'write `{"finish": "7d"}`, or remove it')


def _of_edges(facts: Facts) -> Iterator[Diagnostic]:
    design = facts.graph.design
    judged = {
        edge.source
        for edge in design.edges
        if edge.data_pointer is not None and (edge.priority is not None or edge.default)
    }
    leaving: dict[tuple[str, str | None], list[Edge]] = {}
    for edge in design.edges:
        if edge.source not in judged:
            continue
        kind = design.nodes[edge.source].kind
        outcome = None if kind.rules else edge.handle if edge.handle in kind.outcomes else ""
        leaving.setdefault((edge.source, outcome), []).append(edge)
    for (source, _), edges in leaving.items():
        ruled = any(edge.when is not None for edge in edges)
        handles = {edge.handle for edge in edges if edge.when is not None and edge.handle}
        for edge in edges:
            shares = design.nodes[source].kind.rules and edge.handle in handles
            if edge.priority is not None and edge.data_pointer is not None:
                why = None
                if edge.when is None and not shares:
                    why = "the edge has no rule" + (", and comes last" if ruled else "")
                elif design.nodes[source].kind.every:
                    why = f"{ticks(source)} takes every edge whose rule holds"
                if why is not None:
                    yield _of_edge(edge, "priority", why, "remove it, or give the edge a rule")
            if edge.default and not ruled and edge.data_pointer is not None:
                why = "no other edge has a rule" if len(edges) > 1 else "it is the only edge"
                yield _of_edge(edge, "default", why, "remove it, or give the others rules")


def _of_edge(edge: Edge, key: str, why: str, help: str) -> Diagnostic:
    assert edge.data_pointer is not None
    pointer = pointed(edge.data_pointer, key)
    return RULE.diagnostic(
        f"`{key}` of the edge {ticks(edge.key)} has no effect: {why}",
        pointer,
        edge=edge.key,
        label="has no effect",
        help=help,
        fixes=(fix(f"remove `{key}`, which has no effect", Edit("remove", pointer), safe=True),),
    )
