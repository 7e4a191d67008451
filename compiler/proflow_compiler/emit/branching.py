"""Writes branches as `if`, `else` and `match`, using what is known about outcomes."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from proflow_schemas.definition import AnyOp, BranchOp, Case
from proflow_schemas.step_ids import loop_of

from proflow_compiler.emit.endings import Ending, Endings, Guards
from proflow_compiler.emit.exits import Exits
from proflow_compiler.emit.literals import Source, literal
from proflow_compiler.emit.names import Names, identifier
from proflow_compiler.emit.outlining import Program


@dataclass(frozen=True, slots=True)
class _Outcome:
    """The expression of a node's outcome; `certain`: never None, as the node has surely run."""

    source: str
    certain: bool = True


class Branches(ABC):
    """Writes branches; subclasses write the blocks of their cases."""

    def __init__(self, program: Program, names: Names) -> None:
        self.program, self.names = program, names
        self.endings = Endings(program.functions, program.parts, program.steps)
        self.exits = Exits(program.outcomes, names)
        self.lines: list[str] = []
        self.returns = True
        """True if the function that is being written may return a value."""
        self.known: dict[str, _Outcome] = {}
        """Node → its outcome, as far as the block that is being written has it in a variable."""

    @abstractmethod
    def _block(self, block: Sequence[AnyOp], level: int, *, tail: bool) -> bool:
        """Write the statements of a block; return True if the last one returns."""

    def _line(self, level: int, text: str) -> None:
        self.lines.append(f"{'    ' * level}{text}")

    @contextmanager
    def _inside(self) -> Iterator[None]:
        """Enter an inner block, which sees the variables around it, but not vice versa."""
        around = self.known
        self.known = dict(around)
        yield
        self.known = around

    def _drawn(self, node: str) -> str:
        """Return the node as it is drawn: for the exits of a loop, the first node of the loop."""
        return loop_of(node) if node in self.program.outcomes.exits else node

    def _target(self, node: str, purpose: str, attribute: str, branched: bool) -> Source | None:
        """Return a variable for the result of a step if a branch needs it, else None."""
        if not branched:
            return None
        name = self.names.of(node, purpose)
        self.known[node] = _Outcome(name + attribute)
        return Source(name)

    def _named(self, node: str, outcome: str) -> Source:
        """Return the expression that an outcome of a node is compared with."""
        if node in self.program.outcomes.exits:
            return self.exits.of(node, outcome)
        return literal(outcome)

    def _outcome(self, node: str) -> _Outcome:
        """Return the expression of a node's outcome."""
        if node in self.known:
            return self.known[node]
        if node in self.program.outcomes.exits:
            return _Outcome(f"flow.exit_of({literal(loop_of(node))})")
        return _Outcome(f"flow.outcome_of({literal(node)})", certain=False)

    def _branch(self, op: BranchOp, level: int, *, tail: bool) -> bool:
        """Write a branch; return True if it always returns."""
        if isinstance(op, Guards):
            outcome = self._outcome_variable(op, level)
            for case in op.cases:
                self._line(level, f"if {self._condition(op.node, outcome, case.outcomes)}:")
                if not (case.steps and self._case(case, level + 1, tail=True)):
                    self._line(level + 1, "return None" if self.returns else "return")
            self._line(0, "")
            return False
        outcome = self._outcome_variable(op, level)
        known = self.program.outcomes.of(op.node)
        if not known or (len(op.cases) > 2 and any(self._falls_through(case) for case in op.cases)):
            return self._match(op, outcome, level, tail=tail)
        covered = {one for case in op.cases for one in case.outcomes}
        exhaustive = covered.issuperset(known) and len(op.cases) > 1
        word, closed = "if", True
        for case in op.cases[:-1] if exhaustive else op.cases:
            self._line(level, f"{word} {self._condition(op.node, outcome, case.outcomes)}:")
            returned = self._case(case, level + 1, tail=tail)
            word, closed = "if" if returned else "elif", closed and returned
        if not exhaustive:
            return False
        last = op.cases[-1]
        if closed:
            return self._block(last.steps, level, tail=tail)
        self._line(level, "else:")
        self._case(last, level + 1, tail=tail)
        return False

    def _outcome_variable(self, op: BranchOp, level: int) -> _Outcome:
        """Return the outcome that a branch depends on, in a variable if it is read repeatedly."""
        outcome = self._outcome(op.node)
        caught = op.node in self.program.outcomes.caught
        if len(op.cases) == 1 or caught or op.node in self.known:
            return outcome
        purpose = "exit" if op.node in self.program.outcomes.exits else "outcome"
        name = self.names.claim(f"{identifier(self._drawn(op.node))}_{purpose}")
        self._line(level, f"{name} = {outcome.source}")
        held = self.known[op.node] = _Outcome(name, certain=outcome.certain)
        return held

    def _match(self, op: BranchOp, outcome: _Outcome, level: int, *, tail: bool) -> bool:
        self._line(level, f"match {outcome.source}:")
        closed = True
        for case in op.cases:
            patterns = [self._named(op.node, one) for one in case.outcomes]
            self._line(level + 1, f"case {' | '.join(patterns)}:")
            closed &= self._case(case, level + 2, tail=tail)
        covered = {one for case in op.cases for one in case.outcomes}
        known = self.program.outcomes.of(op.node)
        others = [self._named(op.node, one) for one in known if one not in covered]
        if others:
            self._line(level + 1, f"case {' | '.join(others)}:")
            self._line(level + 2, "pass")
            closed = False
        self._line(level + 1, "case _:")
        node = literal(self._drawn(op.node))
        self._line(level + 2, f"raise flow.unexpected({outcome.source}, of={node})")
        return closed

    def _falls_through(self, case: Case) -> bool:
        return Ending.FALLS_THROUGH in self.endings.of(case.steps)

    def _case(self, case: Case, level: int, *, tail: bool) -> bool:
        """Write a case; return True if its last statement returns."""
        if not case.steps:
            self._line(level, "pass")
            return False
        with self._inside():
            return self._block(case.steps, level, tail=tail)

    def _condition(self, node: str, outcome: _Outcome, taken: Sequence[str]) -> str:
        """Return the shortest condition for the outcome being one of `taken`."""
        if node in self.program.outcomes.caught and node not in self.known:
            failed = f"flow.failed({literal(node)})"
            if list(taken) in (["error"], ["default"]):
                return failed if taken[0] == "error" else f"not {failed}"
        others = [one for one in self.program.outcomes.of(node) if one not in taken]
        if len(taken) == 1:
            return f"{outcome.source} == {self._named(node, taken[0])}"
        if len(others) == 1:
            return f"{outcome.source} != {self._named(node, others[0])}"
        return f"{outcome.source} in ({', '.join(self._named(node, one) for one in taken)})"
