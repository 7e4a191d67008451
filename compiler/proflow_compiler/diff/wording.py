"""Says in a few words how the activation condition of a node changed."""

from collections.abc import Iterator

from proflow_compiler.diagnostics.message_text import ticks
from proflow_compiler.diff.activation import Activations, Terms
from proflow_compiler.diff.levels import Levels

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
                yield f"how many branches are needed before {self._name}, or which, changed"
            elif tag == "set":
                yield f"{ticks(rest[0])} would be computed after the fact, and may fail"
            elif tag == "step":
                yield self._step(rest[0], gone)
            else:
                yield f"{self._name} would have started at once"
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
            return f"{ticks(step)} would run after the fact: it is new before {self._name}"
        for other in gone:
            tag, *rest = self._levels.vocabulary.term(other)
            if tag in _RULED:
                return self._gone(other)
            if tag == "step" and rest[0] == step:
                return f"{self._name} follows another outcome of {ticks(step)} now"
        return f"{self._name} would have to wait for {ticks(step)}"

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
            yield f"the rules of {ticks(condition)} changed: the run may have gone another way"
        else:
            yield f"{ticks(condition)} is new before {self._name}, and may choose another way"

    def _gone(self, term: int) -> str:
        tag, *rest = self._levels.vocabulary.term(term)
        if tag in _RULED:
            condition = self._before.conditions[term]
            if condition in self._levels.new.design.nodes:
                return f"{self._name} is no longer where {ticks(condition)} led the run"
            return f"{ticks(condition)} is gone, which decided the way to {self._name}"
        if tag == "needs":
            return f"how many branches are needed before {self._name} changed"
        if tag == "step":
            if rest[0] in self._levels.new.design.nodes:
                return f"{self._name} no longer follows {ticks(rest[0])}"
            return f"{ticks(rest[0])} is gone, whose outcome decided the way to {self._name}"
        return f"{self._name} would not have started yet"

    def _terms(self, at: int) -> Terms:
        tag, terms = self._levels.vocabulary.term(at)
        assert tag == "at"
        found: Terms = terms
        return found
