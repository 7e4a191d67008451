"""The primitives that compute values and choose outcomes. None of them is a step of Inngest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import combinations
from typing import Any

from proflow_schemas.expressions import ExpressionError, check_size, compile
from proflow_schemas.step_ids import choice_id

from proflow_runtime.context import test_controls
from proflow_runtime.flow.replay import Replay
from proflow_runtime.values import JSON, Expression, Text, resolve

_COMBINED = 4
"""The maximum number of rules of an inclusive gateway whose combinations are all chosen in tests."""


# Every replay of every run needs the same few expressions.
_expression = lru_cache(maxsize=8192)(Expression)


class Choices(Replay):
    """The primitives that compute: values, texts, conditions and outputs of ends."""

    def get(self, expression: str) -> Any:
        """Return a lazy value: an expression that is computed inside the step that uses it.

        Args:
            expression: A CEL expression, such as `event.data.days`.
        """
        return _expression(expression)

    def text(self, text: str) -> Any:
        """Return a lazy text, which is computed inside the step that uses it.

        Args:
            text: A text with expressions in `${…}`. A text that is exactly one `${…}` has the type of
                its expression.
        """
        return Text(text)

    def choose(
        self,
        node: str,
        rules: Mapping[str, str],
        default: str | None = None,
        *,
        after: str | None = None,
    ) -> str:
        """Choose the first outcome whose rule holds.

        Args:
            node: The id of the condition, or of a node with rules on its edges.
            rules: The rules, in order: outcome → boolean CEL expression.
            default: The outcome if no rule holds.
            after: If `node` is not a condition: the outcome of `node` whose edges carry the rules.

        Returns:
            The chosen outcome.

        Raises:
            Failed: If no rule holds and there is no default, or if a rule cannot be computed.
        """
        name = node if after is None else choice_id(node, after)
        chooser = test_controls.current_chooser()
        if chooser is None:
            outcome = next(self._holding(name, rules, node), default)
            if outcome is None:
                self._fail(name, f"no rule of `{node}` holds, and it has no default")
        else:
            possible = [*rules, *([] if default is None else [default])]
            outcome = chooser(self.workflow.id, self._begin(name), possible)
        self._record_outcome(name, outcome)
        if after is None:
            self._frame.steps[node] = {"outcome": outcome}
        self._record_status(name, "completed", outcome)
        return outcome

    def choose_every(
        self,
        node: str,
        rules: Mapping[str, str],
        default: str | None = None,
        *,
        after: str | None = None,
    ) -> tuple[str, ...]:
        """Choose every outcome whose rule holds.

        Args:
            node: The id of the inclusive gateway, or of a node with rules on its edges.
            rules: The rules, in order: outcome → boolean CEL expression.
            default: The outcome if no rule holds.
            after: As in `choose`.

        Returns:
            The chosen outcomes, at least one, in the order of the rules.

        Raises:
            Failed: If no rule holds and there is no default, or if a rule cannot be computed.
        """
        name = node if after is None else choice_id(node, after)
        chooser = test_controls.current_chooser()
        if chooser is None:
            outcomes = list(self._holding(name, rules, node))
            if not outcomes and default is not None:
                outcomes = [default]
            if not outcomes:
                self._fail(name, f"no rule of `{node}` holds, and it has no default")
        else:
            named = _combinations(list(rules), default)
            outcomes = named[chooser(self.workflow.id, self._begin(name), list(named))]
        self._record_outcome(name, outcomes)
        if after is None:
            self._frame.steps[node] = {"outcome": outcomes}
        self._record_status(name, "completed", outcomes)
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
        """Compute the output of a `set` node.

        Args:
            node: The node's id.
            values: The fields of the output: name → CEL expression.

        Raises:
            Failed: If an expression cannot be computed, or if the run gets too large.
        """
        scope = self._scope
        output: dict[str, JSON] = {}
        for name, expression in values.items():
            try:
                output[name] = compile(expression).evaluate(scope)
            except ExpressionError as error:
                self._fail(node, f"value `{name}` of `{node}`: {scope.worded(error)}")
            self._size.compute((node, self._frame.items), output)
            self._bounded(node)
        self._settle(node, output)

    def _output(self, node: str, output: Any) -> JSON:
        """Compute the output of an end."""
        if output is None:
            return None
        try:
            found = resolve(output, self._scope)
            check_size(found)
        except ExpressionError as error:
            self._fail(node, f"output of `{node}`: {self._scope.worded(error)}")
        self._size.compute((node, self._frame.items), found)
        self._bounded(node)
        return found


def _combinations(outcomes: list[str], default: str | None) -> dict[str, list[str]]:
    """Return the combinations of outcomes to try for an inclusive gateway, each with a name.

    With up to `_COMBINED` rules these are all combinations; with more, single outcomes and all at once.
    """
    sizes = range(1, len(outcomes) + 1) if len(outcomes) <= _COMBINED else (1, len(outcomes))
    found = [list(one) for size in sizes for one in combinations(outcomes, size)]
    if default is not None and [default] not in found:
        found.append([default])
    return {", ".join(one): one for one in found}
