"""The primitives that compute: lazy values, conditions, and `set`. None of them is a step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import combinations
from typing import Any

from proflow_schemas.expressions import ExpressionError, check_size, compile
from proflow_schemas.step_ids import choice_id

from proflow_runtime.context import steering
from proflow_runtime.flow.passes import Pass
from proflow_runtime.values import JSON, Expression, Text, resolve

_COMBINED = 4
"""Up to how many rules of an inclusive are steered in every combination."""


# The same few are asked for in every pass of every run.
_expression = lru_cache(maxsize=8192)(Expression)


class Choices(Pass):
    """What a run computes on its way."""

    def get(self, expression: str) -> Any:
        """The value of an expression, computed inside the step that uses it."""
        return _expression(expression)

    def text(self, text: str) -> Any:
        """A text with `${…}`, put together inside the step that uses it."""
        return Text(text)

    def choose(
        self,
        node: str,
        rules: Mapping[str, str],
        default: str | None = None,
        *,
        after: str | None = None,
    ) -> str:
        """The first outcome whose rule holds, else `default`; without one the run fails.

        `after` is the outcome of `node` whose edges carry the rules, if `node` is no condition.
        """
        name = node if after is None else choice_id(node, after)
        steer = steering.current()
        if steer is None:
            outcome = next(self._holding(name, rules, node), default)
            if outcome is None:
                self._fail(name, f"no rule of `{node}` holds, and it has no default")
        else:
            ways = [*rules, *([] if default is None else [default])]
            outcome = steer(self.workflow.id, self._begin(name), ways)
        self._took(name, outcome)
        if after is None:
            self._frame.steps[node] = {"outcome": outcome}
        self._saw(name, "completed", outcome)
        return outcome

    def choose_every(
        self,
        node: str,
        rules: Mapping[str, str],
        default: str | None = None,
        *,
        after: str | None = None,
    ) -> tuple[str, ...]:
        """Each outcome whose rule holds, else `default`; without one the run fails."""
        name = node if after is None else choice_id(node, after)
        steer = steering.current()
        if steer is None:
            outcomes = list(self._holding(name, rules, node))
            if not outcomes and default is not None:
                outcomes = [default]
            if not outcomes:
                self._fail(name, f"no rule of `{node}` holds, and it has no default")
        else:
            named = _ways(list(rules), default)
            outcomes = named[steer(self.workflow.id, self._begin(name), list(named))]
        self._took(name, outcomes)
        if after is None:
            self._frame.steps[node] = {"outcome": outcomes}
        self._saw(name, "completed", outcomes)
        return tuple(outcomes)

    def _holding(self, node: str, rules: Mapping[str, str], of: str) -> Iterator[str]:
        scope = self._scope
        for outcome, rule in rules.items():
            unlike: list[str] = []
            try:
                holds = compile(rule).test(scope, unlike)
            except ExpressionError as error:
                self._fail(node, f"rule `{outcome}` of `{of}`: {scope.worded(error)}")
            self._remark(of, [f"rule `{outcome}`: {one}" for one in unlike])
            if holds:
                yield outcome

    def set(self, node: str, values: Mapping[str, str]) -> None:
        """Computes values: name → expression. It is pure, and no step."""
        scope = self._scope
        output: dict[str, JSON] = {}
        for name, expression in values.items():
            try:
                output[name] = compile(expression).evaluate(scope)
            except ExpressionError as error:
                self._fail(node, f"value `{name}` of `{node}`: {scope.worded(error)}")
            self._held.compute((node, self._frame.items), output)
            self._bounded(node)
        self._settle(node, output)

    def _output(self, node: str, output: Any) -> JSON:
        """What an end hands out."""
        if output is None:
            return None
        try:
            found = resolve(output, self._scope)
            check_size(found)
        except ExpressionError as error:
            self._fail(node, f"output of `{node}`: {self._scope.worded(error)}")
        self._held.compute((node, self._frame.items), found)
        self._bounded(node)
        return found


def _ways(outcomes: list[str], default: str | None) -> dict[str, list[str]]:
    """What an inclusive may take, by a name for it: every combination, of many rules one or all."""
    sizes = range(1, len(outcomes) + 1) if len(outcomes) <= _COMBINED else (1, len(outcomes))
    found = [list(one) for size in sizes for one in combinations(outcomes, size)]
    if default is not None and [default] not in found:
        found.append([default])
    return {", ".join(one): one for one in found}
