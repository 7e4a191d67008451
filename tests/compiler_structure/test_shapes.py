"""Shapes everybody draws, shapes that are large, and shapes that are refused."""

import time
from collections.abc import Sequence

import pytest
from compiler_structure.drawing import Drawn, chain, graph
from proflow_compiler.graph import Graph
from proflow_compiler.structure import structure
from proflow_compiler.program import (
    Block,
    Branch,
    Call,
    Fork,
    Program,
    Step,
    Stop,
    statements,
)


def program(drawn: Graph) -> Program:
    found = structure(drawn)
    assert found.program is not None, found.diagnostics
    return found.program


def refused(drawn: Graph) -> str:
    found = structure(drawn)
    assert found.program is None
    (problem,) = found.diagnostics
    assert problem.code == "PF209"
    assert problem.edge is not None
    return problem.edge


def outline(block: Block) -> str:
    """A block in one line: `a ?(rejected: call(tell)) +(b | c) d`."""
    parts = []
    for statement in block:
        match statement:
            case Step(node):
                parts.append(node)
            case Stop():
                parts.append("stop")
            case Call(function):
                parts.append(f"call({function})")
            case Branch(_, cases):
                inner = "; ".join(f"{','.join(c.outcomes)}: {outline(c.block)}" for c in cases)
                parts.append(f"?({inner})")
            case Fork(_, arms):
                parts.append(f"+({' | '.join(outline(arm.block) for arm in arms)})")
    return " ".join(parts)


def kinds(**types: str) -> dict[str, str]:
    return {name: spelling for spelling, names in types.items() for name in names.split()}


def test_rejections_that_share_a_tail_call_one_function() -> None:
    drawn = graph(
        kinds(start="s", approval="a b", task="tell pay", end="no done"),
        [
            *chain("s", "a", "b", "pay", "done"),
            ("a", "tell", "rejected"),
            ("b", "tell", "rejected"),
            ("tell", "no"),
        ],
    )
    found = program(drawn)
    stopped = "timeout,returned: stop"
    assert outline(found.main) == (
        f"s a ?(rejected: call(tell); {stopped}) b ?(rejected: call(tell); {stopped}) pay done"
    )
    assert {name: outline(block) for name, block in found.functions.items()} == {"tell": "tell no"}


def test_branches_that_join_form_a_block_and_what_follows_stands_after_it() -> None:
    drawn = graph(
        kinds(start="s", parallel="f", task="a b c", join="j", end="e"),
        [*chain("s", "f", "a", "j", "c", "e"), ("f", "b"), ("b", "j")],
    )
    assert outline(program(drawn).main) == "s f +(a | b) j c e"


def test_an_edge_straight_to_the_join_is_no_branch_if_another_surely_arrives() -> None:
    drawn = graph(
        kinds(start="s", task="a", join="j", end="e"), [*chain("s", "a", "j", "e"), ("s", "j")]
    )
    assert outline(program(drawn).main) == "s a j e"


def test_an_edge_straight_to_the_join_stays_if_the_other_branch_may_end() -> None:
    drawn = graph(
        kinds(start="s", condition="a", join="j", end="e x"),
        [*chain("s", "a"), ("a", "j", "default"), ("a", "x", "when true"), ("s", "j"), ("j", "e")],
    )
    assert outline(program(drawn).main) == "s +(a ?(x: x) | ) j e"


def test_a_branch_that_only_ends_does_not_hold_up_what_follows_the_other() -> None:
    drawn = graph(
        kinds(start="s", task="a log b", end="e x"),
        [*chain("s", "a", "b", "e"), *chain("s", "log", "x")],
    )
    assert outline(program(drawn).main) == "s +(a b e | log x)"


def test_nested_blocks_join_from_the_inside_out() -> None:
    drawn = graph(
        kinds(start="s", task="a b c", join="i o", end="e"),
        [
            ("s", "a"),
            ("s", "b"),
            ("s", "c"),
            ("a", "i"),
            ("b", "i"),
            ("i", "o"),
            ("c", "o"),
            ("o", "e"),
        ],
    )
    assert outline(program(drawn).main) == "s +(c | +(a | b) i) o e"


def test_a_short_choice_is_followed_by_what_its_ways_share() -> None:
    drawn = graph(
        kinds(start="s", condition="c", task="a z", end="e"),
        [("s", "c"), ("c", "a", "when true"), ("c", "z", "default"), ("a", "z"), ("z", "e")],
    )
    assert outline(program(drawn).main) == "s c ?(a: a) z e"


@pytest.mark.parametrize(
    ("edges", "why"),
    [
        (
            [("s", "a"), ("s", "b"), ("a", "c"), ("a", "d"), ("b", "d"), ("c", "e"), ("d", "x")],
            "a joins b at d, and goes on to c on its own",
        ),
        (
            [
                ("s", "p"),
                ("s", "b"),
                ("p", "d"),
                ("p", "c", "rejected"),
                ("c", "x"),
                ("b", "d"),
                ("d", "e"),
            ],
            "d must not wait for c",
        ),
        (
            [
                ("s", "p"),
                ("s", "q"),
                ("p", "d"),
                ("p", "x", "rejected"),
                ("q", "d"),
                ("q", "x", "rejected"),
                ("d", "e"),
            ],
            "x has to wait for both approvals, and so has d",
        ),
        (
            [("s", "p"), ("s", "b"), ("p", "d"), ("p", "x", "rejected"), ("b", "d"), ("d", "x")],
            "x follows d, and the rejection too",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_concurrency_that_forms_no_block_is_refused(edges: Sequence[Drawn], why: str) -> None:
    types = kinds(start="s", task="a b c d", approval="p q", end="e x")
    used = {end for edge in edges for end in edge[:2]}
    drawn = graph({name: kind for name, kind in types.items() if name in used}, edges)
    source, target = refused(drawn).split(" → ")
    assert source in used
    assert target in used


def test_an_instant_end_of_its_own_is_no_reason_to_refuse_a_branch() -> None:
    drawn = graph(
        kinds(start="s", approval="p", task="b d", end="e x"),
        [("s", "p"), ("s", "b"), ("p", "d"), ("p", "x", "rejected"), ("b", "d"), ("d", "e")],
    )
    assert outline(program(drawn).main) == "s +(p ?(rejected: x; timeout,returned: stop) | b) d e"


@pytest.mark.parametrize("mode", ["any", 1])
def test_an_early_join_of_branches_is_refused(mode: object) -> None:
    drawn = graph(
        kinds(start="s", task="a b", join="j", end="e"),
        [("s", "a"), ("s", "b"), ("a", "j"), ("b", "j"), ("j", "e")],
        {"j": {"mode": mode}},
    )
    assert refused(drawn) in ("a → j", "b → j")


def test_a_join_of_as_many_as_lead_to_it_is_an_ordinary_one() -> None:
    drawn = graph(
        kinds(start="s", task="a b", join="j", end="e"),
        [("s", "a"), ("s", "b"), ("a", "j"), ("b", "j"), ("j", "e")],
        {"j": {"mode": 2}},
    )
    assert outline(program(drawn).main) == "s +(a | b) j e"


def approvals(count: int, *, shared_end: bool) -> Graph:
    names = [f"a{index}" for index in range(count)]
    end = "e" if shared_end else "no"
    return graph(
        kinds(start="s", approval=" ".join(names), task="tell", end="e" if shared_end else "e no"),
        [*chain("s", *names, "e"), *((name, "tell", "rejected") for name in names), ("tell", end)],
    )


def ladder(count: int) -> Graph:
    nodes, edges, before = {"s": "start", "e": "end"}, [], "s"
    for index in range(count):
        nodes |= {f"c{index}": "condition", f"x{index}": "task", f"y{index}": "task"}
        edges += [
            (before, f"c{index}"),
            (f"c{index}", f"x{index}", "when true"),
            (f"c{index}", f"y{index}", "default"),
        ]
        after = f"m{index}" if index + 1 < count else "e"
        nodes.setdefault(after, "join")
        edges += [(f"x{index}", after), (f"y{index}", after)]
        before = after
    return graph(nodes, edges)


def nested_forks(count: int) -> Graph:
    nodes, edges, before = {"s": "start", "core": "task", "e": "end"}, [], "s"
    for index in range(count):
        nodes |= {f"f{index}": "parallel", f"t{index}": "task", f"j{index}": "join"}
        edges += [(before, f"f{index}"), (f"f{index}", f"t{index}"), (f"t{index}", f"j{index}")]
        before = f"f{index}"
    joins = [f"j{index}" for index in reversed(range(count))]
    return graph(nodes, [*edges, *chain(before, "core", *joins, "e")])


def switch(count: int) -> Graph:
    names = [f"t{index}" for index in range(count)]
    rules = [f"when event.data.x == {index}" for index in range(count - 1)] + ["default"]
    return graph(
        kinds(start="s", condition="c", task=" ".join(names), end="e"),
        [
            ("s", "c"),
            *(("c", name, rule) for name, rule in zip(names, rules, strict=True)),
            *((name, "e") for name in names),
        ],
    )


def wide_fork(count: int) -> Graph:
    names = [f"t{index}" for index in range(count)]
    return graph(
        kinds(start="s", task=" ".join(names), join="j", end="e"),
        [*(("s", name) for name in names), *((name, "j") for name in names), ("j", "e")],
    )


def line(count: int) -> Graph:
    names = [f"t{index}" for index in range(count)]
    return graph(kinds(start="s", task=" ".join(names), end="e"), chain("s", *names, "e"))


def rollbacks(count: int) -> Graph:
    """Each rejection begins a chain of compensations somewhere else."""
    names, undo = [f"a{i}" for i in range(count)], [f"u{i}" for i in range(count)]
    return graph(
        kinds(start="s", approval=" ".join(names), task=" ".join(undo), end="e no"),
        [
            *chain("s", *names, "e"),
            *chain(*undo, "no"),
            *((name, one, "rejected") for name, one in zip(names, undo, strict=True)),
        ],
    )


LARGE = {
    "chain of 10,000": lambda: line(10_000),
    "100 approvals share a rejection": lambda: approvals(100, shared_end=False),
    "3,000 approvals share a rejection and the end": lambda: approvals(3000, shared_end=True),
    "60 diamonds": lambda: ladder(60),
    "2,000 diamonds": lambda: ladder(2000),
    "30 nested forks": lambda: nested_forks(30),
    "1,500 nested forks": lambda: nested_forks(1500),
    "switch of 3,000": lambda: switch(3000),
    "fork of 5,000": lambda: wide_fork(5000),
    "2,000 rollbacks": lambda: rollbacks(2000),
}


@pytest.mark.parametrize("name", LARGE)
def test_large_designs_have_a_small_program_soon(name: str) -> None:
    drawn = LARGE[name]()
    began = time.process_time()
    found = program(drawn)
    assert time.process_time() - began < 30
    blocks = [found.main, *found.functions.values()]
    steps = [one.node for block in blocks for one in statements(block) if isinstance(one, Step)]
    assert sorted(steps) == sorted(drawn.nodes)
    assert sum(1 for block in blocks for _ in statements(block)) <= 4 * len(drawn.nodes)
    assert max(map(depth, blocks)) <= 4


def depth(block: Block) -> int:
    """How deep blocks nest in a block."""
    deepest = 0
    for statement in block:
        if isinstance(statement, Branch):
            deepest = max([deepest, *(1 + depth(case.block) for case in statement.cases)])
        elif isinstance(statement, Fork):
            deepest = max([deepest, *(1 + depth(arm.block) for arm in statement.arms)])
    return deepest


def test_time_grows_with_the_size_of_the_design_and_not_faster() -> None:
    def seconds(count: int) -> float:
        drawn = line(count)
        began = time.process_time()
        program(drawn)
        return time.process_time() - began

    seconds(100)
    assert seconds(10_000) < 60 * max(min(seconds(1000) for _ in range(3)), 0.005)
