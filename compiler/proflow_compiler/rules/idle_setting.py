"""PF318: a setting that has no effect because of other settings, or because of its position."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from proflow_schemas.configs import Config, Duration, Retried, Retry
from proflow_schemas.durations import DurationError, parse_duration
from proflow_schemas.language import Text
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
    texts={
        "the-design": Text("the design", "设计"),
        "remove": Text("remove `{name}`, which has no effect", "移除不起作用的 `{name}`"),
        "write": Text(
            "write `{name}: {written:raw}`, which is how long they wait",
            "改为 `{name}: {written:raw}`，即实际的等待时长",
        ),
        "below": Text(
            "`{name}` of `{key}` of {owner:raw}",
            "{owner:raw} 的 `{key}` 中的 `{name}`",
        ),
        "setting": Text("`{key}` of {owner:raw}", "{owner:raw} 的 `{key}`"),
        "have-no-effect": Text(
            "{shown:raw} have no effect: {why:raw}",
            "{shown:raw} 不起作用：{why:raw}",
        ),
        "has-no-effect": Text(
            "{shown:raw} has no effect: {why:raw}",
            "{shown:raw} 不起作用：{why:raw}",
        ),
        "idle": Text("has no effect", "不起作用"),
        "one-edge": Text("there is one edge into it", "只有一条进入的连线"),
        "draw-edges": Text("remove it, or draw the other edges", "移除它，或画出其他连线"),
        "no-timeout": Text("there is no `timeout`", "没有设置 `timeout`"),
        "give-timeout": Text("give `timeout`, such as `24h`", "设置 `timeout`，例如 `24h`"),
        "other-mode": Text("the mode is `{mode}`", "模式为 `{mode}`"),
        "set-quorum": Text("set `approvalMode` to `quorum`", "将 `approvalMode` 设为 `quorum`"),
        "initiator": Text("who has started the run", "发起人"),
        "chosen": Text("whom they chose", "发起人选择的人"),
        "say-type": Text(
            "remove it, or say by `approverType` what the ids are",
            "移除它，或用 `approverType` 说明这些 ID 的含义",
        ),
        "asks": Text("`{type}` asks {who:raw}", "`{type}` 由{who}审批"),
        "not-fallback": Text(
            "`emptyApproverPolicy` is not `fallbackUser`",
            "`emptyApproverPolicy` 不是 `fallbackUser`",
        ),
        "set-fallback": Text(
            "set `emptyApproverPolicy` to `fallbackUser`",
            "将 `emptyApproverPolicy` 设为 `fallbackUser`",
        ),
        "timeout-first": Text("the `timeout` comes first", "`timeout` 先到"),
        "remind-earlier": Text("remind earlier, or wait longer", "提前提醒，或延长等待时间"),
        "without-every": Text("without `every` there is one", "没有设置 `every`，只提醒一次"),
        "give-every": Text("give `every`, such as `24h`", "设置 `every`，例如 `24h`"),
        "max-is-one": Text("`max` is 1", "`max` 为 1"),
        "allow-more": Text("allow more, or remove it", "增加次数，或移除它"),
        "timeout-second": Text(
            "the `timeout` comes before a second reminder",
            "`timeout` 在第二次提醒之前到",
        ),
        "remind-more": Text("remind more often, or wait longer", "缩短提醒间隔，或延长等待时间"),
        "one-attempt": Text("there is one attempt", "只尝试一次"),
        "no-initial": Text(
            "without `initialInterval` Inngest decides on the pauses",
            "没有设置 `initialInterval`，重试间隔由 Inngest 决定",
        ),
        "give-initial": Text(
            "give `initialInterval`, such as `30s`",
            "设置 `initialInterval`，例如 `30s`",
        ),
        "max-shorter": Text(
            "`maxInterval` is shorter, so that every pause lasts `{longest}`",
            "`maxInterval` 更短，每次间隔都是 `{longest}`",
        ),
        "shorter-first": Text(
            "begin with a shorter pause, or allow longer ones",
            "缩短初始间隔，或允许更长的间隔",
        ),
        "one-pause": Text("there is one pause", "只有一次间隔"),
        "more-attempts": Text("allow more attempts, or remove it", "增加尝试次数，或移除它"),
        "max-not-longer": Text(
            "`maxInterval` is no longer than `initialInterval`",
            "`maxInterval` 不大于 `initialInterval`",
        ),
        "longer-pauses": Text("allow longer pauses, or remove it", "允许更长的间隔，或移除它"),
        "fail-stops": Text("`fail` stops the run as well", "`fail` 同样会停止运行"),
        "remove-one": Text("remove one of the two", "移除其中一个"),
        "item-result": Text("the result of an item is its `output`", "单项的结果是它的 `output`"),
        "into-output": Text(
            "put it into `output`, or end the run by `terminate`",
            "写入 `output`，或用 `terminate` 结束运行",
        ),
        "no-time": Text("it sets no time", "没有设置任何时限"),
        "write-finish": Text(
            'write `{{"finish": "7d"}}`, or remove it',
            '填写 `{{"finish": "7d"}}`，或移除它',
        ),
        "last": Text("the edge has no rule, and comes last", "连线没有规则，总是排在最后"),
        "no-rule": Text("the edge has no rule", "连线没有规则"),
        "takes-every": Text(
            "`{source}` takes every edge whose rule holds",
            "`{source}` 会执行所有规则成立的连线",
        ),
        "give-rule": Text("remove it, or give the edge a rule", "移除它，或为连线设置规则"),
        "others-no-rule": Text("no other edge has a rule", "其他连线都没有规则"),
        "only-edge": Text("it is the only edge", "这是唯一的连线"),
        "rule-others": Text("remove it, or give the others rules", "移除它，或为其他连线设置规则"),
        "edge": Text(
            "`{key}` of the edge `{edge}` has no effect: {why:raw}",
            "连线 `{edge}` 的 `{key}` 不起作用：{why:raw}",
        ),
        "remove-key": Text("remove `{key}`, which has no effect", "移除不起作用的 `{key}`"),
    },
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
        yield _diagnostic(one, RULE.text("the-design"), design.setting_pointers, None)
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
        title, edits = RULE.text("remove", name=name), [Edit("remove", pointer)]
        if one.written is not None:
            title = RULE.text("write", name=name, written=shown_text(one.written))
            edits = [Edit("replace", pointer, one.written)]
            if one.without is not None:
                edits.append(Edit("remove", pointed(whole, one.without)))
        fixes = [fix(title, *edits, safe=one.safe)]
    shown = (
        RULE.text("below", name=name, key=key, owner=owner)
        if below
        else RULE.text("setting", key=key, owner=owner)
    )
    return RULE.diagnostic(
        RULE.text("have-no-effect", shown=shown, why=one.why)
        if name == "reminders"
        else RULE.text("has-no-effect", shown=shown, why=one.why),
        pointer if pointer is not None else "" if node is None else node.pointer,
        node=None if node is None else node.id,
        label=RULE.text("idle"),
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
        yield _Idle("mode", RULE.text("one-edge"), RULE.text("draw-edges"))
    if isinstance(config, End):
        alone = node.parent is not None and ends == 1
        yield from _of_end(config, alone=alone, given=node.config_pointers)


def _of_approval(config: Approval) -> Iterator[_Idle]:
    if config.timeout_action in ("approve", "reject", "remind") and config.timeout is None:
        yield _Idle("timeoutAction", RULE.text("no-timeout"), RULE.text("give-timeout"))
    if config.pass_ratio is not None and config.approval_mode != "quorum":
        mode = config.approval_mode
        yield _Idle("passRatio", RULE.text("other-mode", mode=mode), RULE.text("set-quorum"))
    if config.approver_ids and config.approver_type in ("initiator", "initiatorSelect"):
        who = RULE.text("initiator") if config.approver_type == "initiator" else RULE.text("chosen")
        help = RULE.text("say-type")
        yield _Idle(
            "approverIds", RULE.text("asks", type=config.approver_type, who=who), help, safe=False
        )
    if config.fallback_approver_ids and config.empty_approver_policy != "fallbackUser":
        why = RULE.text("not-fallback")
        yield _Idle("fallbackApproverIds", why, RULE.text("set-fallback"))
    reminders = config.reminders
    if reminders is None:
        return
    if config.timeout_action != "remind" and _before(config.timeout, reminders.after):
        yield _Idle("reminders", RULE.text("timeout-first"), RULE.text("remind-earlier"))
    elif reminders.every is None and reminders.max is not None:
        yield _Idle("reminders/max", RULE.text("without-every"), RULE.text("give-every"))
    elif reminders.every is not None and reminders.max == 1:
        yield _Idle("reminders/every", RULE.text("max-is-one"), RULE.text("allow-more"))
    elif (
        reminders.every is not None
        and config.timeout_action != "remind"
        and _over_before(config.timeout, reminders.after, reminders.every)
    ):
        why = RULE.text("timeout-second")
        yield _Idle("reminders/every", why, RULE.text("remind-more"), safe=reminders.max is None)


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
            yield _Idle(f"retry/{key}", RULE.text("one-attempt"), RULE.text("allow-more"))
        elif key != "initialInterval" and retry.initial_interval is None:
            why = RULE.text("no-initial")
            yield _Idle(f"retry/{key}", why, RULE.text("give-initial"))
    if retry.max_attempts > 1 and retry.initial_interval is not None:
        yield from _of_pauses(retry, retry.initial_interval)


def _of_pauses(retry: Retry, initial: Duration) -> Iterator[_Idle]:
    """Yield the settings of growing pauses that have no effect."""
    grows = "multiplier" in retry.model_fields_set
    longest = retry.max_interval
    if longest is not None and _longer(initial, longest):
        yield _Idle(
            "retry/initialInterval",
            RULE.text("max-shorter", longest=longest),
            RULE.text("shorter-first"),
            written=longest,
            without="multiplier" if grows else None,
        )
    elif grows and retry.max_attempts == 2:
        yield _Idle("retry/multiplier", RULE.text("one-pause"), RULE.text("more-attempts"))
    elif grows and longest is not None and not _longer(longest, initial):
        why = RULE.text("max-not-longer")
        yield _Idle("retry/multiplier", why, RULE.text("longer-pauses"))


def _longer(one: Duration, other: Duration) -> bool:
    """Return True if a duration is longer than another (bad-duration reports malformed ones)."""
    try:
        return parse_duration(one) > parse_duration(other)
    except DurationError:
        return False


def _of_end(config: End, *, alone: bool, given: Iterable[str]) -> Iterator[_Idle]:
    if config.terminate and config.fail:
        yield _Idle("terminate", RULE.text("fail-stops"), RULE.text("remove-one"))
    if alone and "status" in given and not (config.terminate or config.fail):
        why = RULE.text("item-result")
        yield _Idle("status", why, RULE.text("into-output"))


def _of_timeouts(settings: Settings) -> Iterator[_Idle]:
    timeouts = settings.timeouts
    if timeouts is not None and timeouts.start is None and timeouts.finish is None:
        yield _Idle("timeouts", RULE.text("no-time"), RULE.text("write-finish"))


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
                    why = RULE.text("last") if ruled else RULE.text("no-rule")
                elif design.nodes[source].kind.every:
                    why = RULE.text("takes-every", source=source)
                if why is not None:
                    yield _of_edge(edge, "priority", why, RULE.text("give-rule"))
            if edge.default and not ruled and edge.data_pointer is not None:
                why = RULE.text("others-no-rule") if len(edges) > 1 else RULE.text("only-edge")
                yield _of_edge(edge, "default", why, RULE.text("rule-others"))


def _of_edge(edge: Edge, key: str, why: str, help: str) -> Diagnostic:
    assert edge.data_pointer is not None
    pointer = pointed(edge.data_pointer, key)
    return RULE.diagnostic(
        RULE.text("edge", key=key, edge=edge.key, why=why),
        pointer,
        edge=edge.key,
        label=RULE.text("idle"),
        help=help,
        fixes=(fix(RULE.text("remove-key", key=key), Edit("remove", pointer), safe=True),),
    )
