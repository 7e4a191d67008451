"""Says in a few words how the activation condition of a node changed."""

from collections.abc import Iterator

from proflow_schemas.language import Text, Texts

from proflow_compiler.diagnostics.message_text import ticks
from proflow_compiler.diff.activation import Activations, Terms
from proflow_compiler.diff.levels import Levels

TEXTS = Texts(
    "diff-wording",
    {
        "needs": Text(
            "how many branches are needed before {name:raw}, or which, changed",
            "{name:raw} 之前需要的分支或其数量已改变",
        ),
        "computed": Text(
            "`{node}` would be computed after the fact, and may fail",
            "`{node}` 会在事后计算，可能失败",
        ),
        "at-once": Text("{name:raw} would have started at once", "{name:raw} 本应立即开始"),
        "after": Text(
            "`{step}` would run after the fact: it is new before {name:raw}",
            "`{step}` 会在事后执行：它是 {name:raw} 之前新增的节点",
        ),
        "other-outcome": Text(
            "{name:raw} follows another outcome of `{step}` now",
            "{name:raw} 现在接在 `{step}` 的另一个出口之后",
        ),
        "would-wait": Text(
            "{name:raw} would have to wait for `{step}`",
            "{name:raw} 需要等待 `{step}`",
        ),
        "rules": Text(
            "the rules of `{condition}` changed: the run may have gone another way",
            "`{condition}` 的规则已改变：运行可能走了另一条路",
        ),
        "new-condition": Text(
            "`{condition}` is new before {name:raw}, and may choose another way",
            "`{condition}` 是 {name:raw} 之前新增的节点，可能选择另一条路",
        ),
        "led-away": Text(
            "{name:raw} is no longer where `{condition}` led the run",
            "`{condition}` 不再通向 {name:raw}",
        ),
        "condition-gone": Text(
            "`{condition}` is gone, which decided the way to {name:raw}",
            "决定能否到达 {name:raw} 的 `{condition}` 已移除",
        ),
        "branches": Text(
            "how many branches are needed before {name:raw} changed",
            "{name:raw} 之前需要的分支数量已改变",
        ),
        "not-after": Text(
            "{name:raw} no longer follows `{node}`",
            "{name:raw} 不再接在 `{node}` 之后",
        ),
        "node-gone": Text(
            "`{node}` is gone, whose outcome decided the way to {name:raw}",
            "决定能否到达 {name:raw} 的 `{node}` 已移除",
        ),
        "not-yet": Text("{name:raw} would not have started yet", "{name:raw} 尚不应开始"),
    },
)

_RULED = ("first", "else", "some", "none")


def changed_activation(name: str, before: Activations, after: Activations, levels: Levels) -> str:
    """Describe the first difference between the terms of a node, which have to differ."""
    words = _Words(name, before, after, levels)
    return next(words.differences(before.into[name], after.into[name]))


class _Words:
    """Describes differences between the terms of one node."""

    def __init__(self, name: str, before: Activations, after: Activations, levels: Levels) -> None:
        self._name, self._before, self._after, self._levels = ticks(name), before, after, levels

    def differences(self, before: Terms, after: Terms) -> Iterator[str]:
        """Yield the differences in words: new terms, then those that are gone.

        If two terms differ only in what they contain, the nested differences are described.
        """
        gone, new = sorted(before - after), sorted(after - before)
        for term in new:
            tag, *rest = self._levels.vocabulary.term(term)
            if tag in _RULED:
                yield from self._ruled(term, gone)
            elif tag == "needs" or self._needed(term, gone):
                yield TEXTS("needs", name=self._name)
            elif tag == "set":
                yield TEXTS("computed", node=rest[0])
            elif tag == "step":
                yield self._step(rest[0], gone)
            else:
                yield TEXTS("at-once", name=self._name)
        for term in gone:
            yield self._gone(term)

    def _needed(self, term: int, gone: list[int]) -> bool:
        """Return True if a new term was one of several edges of which only some were needed."""
        vocabulary = self._levels.vocabulary
        steps = vocabulary.steps(term)
        return any(
            vocabulary.term(other)[0] == "needs" and not steps.isdisjoint(vocabulary.steps(other))
            for other in gone
        )

    def _step(self, step: str, gone: list[int]) -> str:
        if step not in self._levels.old.design.nodes:
            return TEXTS("after", step=step, name=self._name)
        for other in gone:
            tag, *rest = self._levels.vocabulary.term(other)
            if tag in _RULED:
                return self._gone(other)
            if tag == "step" and rest[0] == step:
                return TEXTS("other-outcome", name=self._name, step=step)
        return TEXTS("would-wait", name=self._name, step=step)

    def _ruled(self, term: int, gone: list[int]) -> Iterator[str]:
        condition = self._after.conditions[term]
        tag, at, rules = self._levels.vocabulary.term(term)
        for other in gone:
            if self._levels.vocabulary.term(other)[0] != tag:
                continue
            was_at, was_rules = self._levels.vocabulary.term(other)[1:]
            if was_rules == rules:
                yield from self.differences(self._terms(was_at), self._terms(at))
        if condition in self._levels.old.design.nodes:
            yield TEXTS("rules", condition=condition)
        else:
            yield TEXTS("new-condition", condition=condition, name=self._name)

    def _gone(self, term: int) -> str:
        tag, *rest = self._levels.vocabulary.term(term)
        if tag in _RULED:
            condition = self._before.conditions[term]
            if condition in self._levels.new.design.nodes:
                return TEXTS("led-away", name=self._name, condition=condition)
            return TEXTS("condition-gone", condition=condition, name=self._name)
        if tag == "needs":
            return TEXTS("branches", name=self._name)
        if tag == "step":
            if rest[0] in self._levels.new.design.nodes:
                return TEXTS("not-after", name=self._name, node=rest[0])
            return TEXTS("node-gone", node=rest[0], name=self._name)
        return TEXTS("not-yet", name=self._name)

    def _terms(self, at: int) -> Terms:
        tag, terms = self._levels.vocabulary.term(at)
        assert tag == "at"
        found: Terms = terms
        return found
