"""Long programs become parts: every op once, no function too long, only what is read passes."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proflow_compiler.lowering.splitting import (
    MOST_UNSPLIT,
    PART_STEPS,
    longest_function,
    split_into_parts,
)
from proflow_compiler.lowering.step_counts import Lengths
from proflow_schemas.definition import (
    AgainOp,
    AnyOp,
    ApprovalOp,
    Arm,
    BranchOp,
    CallOp,
    Canvas,
    Case,
    ChooseOp,
    Definition,
    EndOp,
    EventTrigger,
    InvokeOp,
    LoopOp,
    ParallelOp,
    PartOp,
    RepeatOp,
    StopOp,
    TaskOp,
    walk,
)
from proflow_schemas.definition import Rule as ChoiceRule


def task(node: str, reads: str | None = None) -> TaskOp:
    value = None if reads is None else {"from": f"${{steps.{reads}.output}}"}
    return TaskOp(id=node, node=node, handler="h", input=value)


def chain(count: int, name: str = "t") -> list[AnyOp]:
    """Tasks, each of which reads the one before it."""
    return [task(f"{name}{i}", f"{name}{i - 1}" if i else None) for i in range(count)]


def end(node: str = "end") -> EndOp:
    return EndOp(id=node, node=node)


def definition(
    steps: Sequence[AnyOp], functions: dict[str, list[AnyOp]] | None = None
) -> Definition:
    return Definition(
        id="long",
        name="long",
        triggers=[EventTrigger(event="long/start")],
        canvas=Canvas(nodes=[], edges=[]),
        functions=functions or {},
        steps=list(steps),
    ).with_digest()


def every_op(found: Definition) -> list[Any]:
    blocks = [
        found.steps,
        *found.functions.values(),
        *(part.steps for part in found.parts.values()),
    ]
    return [op for block in blocks for op in walk(block)]


def nodes(found: Definition) -> Counter[tuple[str, str]]:
    """How often each op stands in a program, without the parts themselves and split groups."""
    return Counter(
        (op.fn, op.node) for op in every_op(found) if not isinstance(op, PartOp | ParallelOp)
    )


def test_a_program_of_moderate_length_stays_as_it_is() -> None:
    before = definition([*chain(MOST_UNSPLIT), end()])
    assert split_into_parts(before) is before


@pytest.mark.parametrize("count", [MOST_UNSPLIT + 1, 999, 5_000, 12_345])
def test_a_long_chain_becomes_parts_of_which_none_is_too_long(count: int) -> None:
    before = definition([*chain(count), end()])
    after = split_into_parts(before)
    assert nodes(after) == nodes(before)
    assert longest_function(after)[0] <= PART_STEPS
    assert after.digest != before.digest


def test_only_what_is_read_elsewhere_passes_from_part_to_part() -> None:
    after = split_into_parts(definition([*chain(1_000), task("last", "t0"), end()]))
    first, second = after.parts["part-1"], after.parts["part-2"]
    assert (first.reads, first.keeps) == ([], ["t0", f"t{PART_STEPS - 1}"])
    assert second.reads == [f"t{PART_STEPS - 1}"]


def test_a_branch_stays_with_the_step_it_goes_on_by() -> None:
    block: list[AnyOp] = []
    for i in range(600):
        rule = ChoiceRule(outcome="a", when=f"steps.t{i}.output == 1")
        block += [
            task(f"t{i}"),
            ChooseOp(id=f"c{i}", node=f"c{i}", rules=[rule], default="b"),
            BranchOp(id=f"c{i}", node=f"c{i}", cases=[Case(outcomes=["a"], steps=[end(f"e{i}")])]),
        ]
    after = split_into_parts(definition([*block, end()]))
    for part in after.parts.values():
        assert not isinstance(part.steps[0], BranchOp)
    assert nodes(after) == nodes(definition([*block, end()]))


def test_guards_that_share_a_tail_are_counted_once() -> None:
    block: list[AnyOp] = []
    for i in range(200):
        refused = Case(outcomes=["rejected"], steps=[CallOp(id="r", node="r", function="r")])
        block += [
            ApprovalOp(id=f"a{i}", node=f"a{i}"),
            BranchOp(id=f"a{i}", node=f"a{i}", cases=[refused]),
        ]
    whole = definition([*block, end()], {"r": [*chain(90, "r"), end("refused")]})
    assert Lengths(whole.functions).of(whole.steps).most == 400 + 90
    assert split_into_parts(whole) is whole


def test_a_wide_fork_is_split_into_groups_of_arms() -> None:
    arms = [Arm(name=f"t{i}", steps=[task(f"t{i}")]) for i in range(3_000)]
    before = definition([ParallelOp(id="fork", node="fork", arms=arms), end()])
    after = split_into_parts(before)
    assert longest_function(after)[0] <= PART_STEPS
    assert nodes(after) == nodes(before)


def test_iterations_multiply_and_are_not_split_inside() -> None:
    body = [*chain(90), AgainOp(id="t89", node="t89", to="t0", limit=9)]
    before = definition([RepeatOp(id="t0", node="t0", steps=body), end()])
    assert Lengths({}).of(before.steps).most == 900
    after = split_into_parts(before)
    assert [op.fn for op in after.steps] == ["part-step", "end"]
    loop = LoopOp(id="l", node="l", max_iterations=50, steps=chain(30))
    assert longest_function(split_into_parts(definition([loop, end()]))) == (1_500, "l")


SHAPES = st.recursive(
    st.integers(1, 150),
    lambda inner: st.lists(
        st.tuples(st.sampled_from(["then", "or", "stop", "and"]), inner), min_size=1, max_size=4
    ),
    max_leaves=12,
)
"""A chain of so many tasks; or parts after each other, on a branch, or at once."""


def block_of(shape: Any, name: str) -> list[AnyOp]:
    if isinstance(shape, int):
        return [task(f"{name}-{i}") for i in range(shape)]
    block: list[AnyOp] = []
    for index, (how, inner) in enumerate(shape):
        own = f"{name}.{index}"
        steps = block_of(inner, own)
        if how == "then":
            block += steps
        elif how == "and":
            arms = [Arm(name=own, steps=steps), Arm(name=f"{own}b", steps=[task(f"{own}b")])]
            block.append(ParallelOp(id=f"{own}f", node=f"{own}f", arms=arms))
        else:
            steps += [StopOp(id=f"{own}a", node=f"{own}a")] if how == "stop" else []
            case = Case(outcomes=["rejected"], steps=steps)
            block += [
                ApprovalOp(id=f"{own}a", node=f"{own}a"),
                BranchOp(id=f"{own}a", node=f"{own}a", cases=[case]),
            ]
    return block


@settings(max_examples=40, deadline=None)
@given(SHAPES)
def test_any_program_keeps_each_op_and_gets_short_enough(shape: Any) -> None:
    before = definition([*block_of(shape, "n"), end()])
    after = split_into_parts(before)
    assert nodes(after) == nodes(before)
    assert longest_function(after)[0] <= MOST_UNSPLIT
    assert len({op.id for op in every_op(after) if isinstance(op, PartOp)}) == len(after.parts)


def test_what_cancels_a_call_that_was_left_is_counted() -> None:
    def call(**settings: Any) -> InvokeOp:
        return InvokeOp(id="call", node="call", workflow="child", **settings)

    def most(*block: AnyOp) -> int:
        return Lengths({}).of(list(block)).most

    assert [most(call()), most(call(timeout=60))] == [1, 2]
    ask = ApprovalOp(id="ask", node="ask")
    for beside, leaving in ((task("a"), 1), (call(), 2)):
        back = AgainOp(id="back", node="ask", to="fork", limit=3, at_once=True)
        fork = ParallelOp(
            id="fork",
            node="fork",
            arms=[Arm(name="a", steps=[ask, back]), Arm(name="b", steps=[beside])],
        )
        loop = RepeatOp(id="fork", node="fork", steps=[fork])
        assert most(loop) == 4 * (2 + 1) + 3 * leaving
