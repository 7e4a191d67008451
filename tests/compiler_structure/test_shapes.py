"""Shapes everybody draws, shapes that are large, and shapes that are refused."""

from collections.abc import Callable, Sequence
from functools import partial
from random import Random

import pytest
from compiler_structure.drawing import Drawn, chain, graph
from compiler_structure.random_designs import EARLY, ENDLESS, Wild
from proflow_compiler.diagnostics import Level
from proflow_compiler.graph import Graph
from proflow_compiler.structuring import structure
from proflow_compiler.structuring.program import (
    Again,
    Block,
    Branch,
    Call,
    Container,
    Fork,
    Leave,
    Program,
    Region,
    Repeat,
    Step,
    Stop,
    Task,
    inner_blocks,
    statements,
)
from work import counted


def program(drawn: Graph) -> Program:
    return structure(drawn).program


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
            case Region(_, tasks):
                parts.append(f"[{'; '.join(task_line(task) for task in tasks)}]")
            case Repeat(_, inner) | Container(_, inner):
                parts.append(f"{type(statement).__name__.lower()} {{{outline(inner)}}}")
            case Again(_, to, limit):
                parts.append(f"again({to}, {limit})")
            case Leave(_, exit_):
                parts.append(f"leave({exit_})")
    return " ".join(parts)


def task_line(task: Task) -> str:
    """`d after a, approve.rejected needs 1: d →`, the arrow for one that leaves the region."""
    after = ", ".join(".".join([one.source, *one.outcomes]) for one in task.after)
    needs = "" if task.needs is None else f" needs {task.needs}"
    arrow = " →" if task.leaves else ""
    return f"{task.name}{' after ' if after else ''}{after}{needs}: {outline(task.block)}{arrow}"


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


CROSSWISE = kinds(start="s", task="a b c d", approval="p q", end="e x")


@pytest.mark.parametrize(
    ("edges", "region", "edge"),
    [
        pytest.param(
            [("s", "a"), ("s", "b"), ("a", "c"), ("a", "d"), ("b", "d"), ("c", "e"), ("d", "x")],
            "s [a: a; c after a: c e; b: b; d after a, b: d x]",
            "a → d",
            id="a joins b at d, and goes on to c on its own",
        ),
        pytest.param(
            [
                ("s", "p"),
                ("s", "b"),
                ("p", "d"),
                ("p", "c", "rejected"),
                ("c", "x"),
                ("b", "d"),
                ("d", "e"),
            ],
            "s [p: p ?(timeout,returned: stop); c after p.rejected: c x; b: b;"
            " d after p.approved, b: d e]",
            "p → d",
            id="d must not wait for c",
        ),
        pytest.param(
            [
                ("s", "p"),
                ("s", "q"),
                ("p", "d"),
                ("p", "x", "rejected"),
                ("q", "d"),
                ("q", "x", "rejected"),
                ("d", "e"),
            ],
            "s [p: p ?(timeout,returned: stop); q: q ?(timeout,returned: stop);"
            " d after p.approved, q.approved: d e; x after p.rejected, q.rejected: x]",
            "p → x",
            id="x has to wait for both approvals, and so has d",
        ),
        pytest.param(
            [("s", "p"), ("s", "b"), ("p", "d"), ("p", "x", "rejected"), ("b", "d"), ("d", "x")],
            "s [p: p ?(timeout,returned: stop); b: b; d after p.approved, b: d →;"
            " x after p.rejected:  →] x",
            "p → x",
            id="x follows d, and the rejection too",
        ),
    ],
)
def test_concurrency_that_forms_no_block_becomes_a_region(
    edges: Sequence[Drawn], region: str, edge: str
) -> None:
    used = {end for edge in edges for end in edge[:2]}
    drawn = graph({name: kind for name, kind in CROSSWISE.items() if name in used}, edges)
    found = structure(drawn)
    assert outline(found.program.main) == region
    (told,) = found.diagnostics
    assert (told.code, told.level, told.edge) == ("PF209", Level.INFO, edge)


def test_an_instant_end_of_its_own_is_no_reason_to_refuse_a_branch() -> None:
    drawn = graph(
        kinds(start="s", approval="p", task="b d", end="e x"),
        [("s", "p"), ("s", "b"), ("p", "d"), ("p", "x", "rejected"), ("b", "d"), ("d", "e")],
    )
    assert outline(program(drawn).main) == "s +(p ?(rejected: x; timeout,returned: stop) | b) d e"


@pytest.mark.parametrize("mode", ["any", 1])
def test_an_early_join_of_branches_is_a_task_that_needs_fewer(mode: object) -> None:
    drawn = graph(
        kinds(start="s", task="a b", join="j", end="e"),
        [("s", "a"), ("s", "b"), ("a", "j"), ("b", "j"), ("j", "e")],
        {"j": {"mode": mode}},
    )
    assert outline(program(drawn).main) == "s [a: a; b: b; j after a, b needs 1: j e]"


def test_an_early_join_of_ways_that_exclude_each_other_is_an_ordinary_one() -> None:
    drawn = graph(
        kinds(start="s", condition="c", task="a b", join="j", end="e"),
        [("s", "c"), ("c", "a", "x"), ("c", "b", "y"), ("a", "j"), ("b", "j"), ("j", "e")],
        {"j": {"mode": "any"}},
    )
    assert outline(program(drawn).main) == "s c ?(x: a; y: b) j e"


def test_an_inclusive_starts_tasks_by_its_outcomes() -> None:
    drawn = graph(
        kinds(start="s", inclusive="i", task="a b", join="j", end="e"),
        [("s", "i"), ("i", "a", "x"), ("i", "b", "y"), ("a", "j"), ("b", "j"), ("j", "e")],
    )
    assert outline(program(drawn).main) == "s i [a after i.x: a →; b after i.y: b →] j e"


def test_a_way_back_repeats_a_block_that_is_left_where_it_goes_on() -> None:
    drawn = graph(
        kinds(start="s", task="draft pay", approval="ok", end="e"),
        [*chain("s", "draft", "ok", "pay", "e"), ("ok", "draft", "returned")],
        back={4: 3},
    )
    assert outline(program(drawn).main) == (
        "s repeat {draft ok ?(returned: again(draft, 3); rejected,timeout: stop)} pay e"
    )


def test_a_loop_with_several_exits_notes_the_one_it_is_left_by() -> None:
    drawn = graph(
        kinds(start="s", task="draft pay tell", approval="ok", end="e no"),
        [
            *chain("s", "draft", "ok", "pay", "e"),
            *chain("tell", "no"),
            ("ok", "tell", "rejected"),
            ("ok", "draft", "returned"),
        ],
    )
    assert outline(program(drawn).main) == (
        "s repeat {draft ok ?(approved: leave(pay); rejected: leave(tell);"
        " returned: again(draft, 10); timeout: stop)} ?(tell: tell no) pay e"
    )


def test_a_way_back_out_of_an_inner_loop_leaves_that_first() -> None:
    drawn = graph(
        kinds(start="s", task="a b", condition="c", end="e"),
        [*chain("s", "a", "b", "c"), ("c", "e", "on"), ("c", "b", "inner"), ("c", "a", "outer")],
        back={4: 2, 5: 3},
    )
    assert outline(program(drawn).main) == (
        "s repeat {a repeat {b c ?(on: leave(e); inner: again(b, 2); outer: leave(a))}"
        " ?(a: again(a, 3))} e"
    )


def test_what_triggers_a_wait_stands_with_it_inside_a_region() -> None:
    drawn = graph(
        kinds(start="s", task="ask a", wait="w", end="e x"),
        [*chain("s", "ask", "w", "e"), *chain("s", "a", "e"), ("w", "x"), ("a", "x")],
    )
    blocks = [program(drawn).main]
    steps = [one for block in blocks for one in statements(block) if isinstance(one, Step)]
    assert Step("w", trigger="ask") in steps


def test_the_nodes_in_a_container_are_its_block() -> None:
    drawn = graph(
        kinds(start="s", foreach="each", task="a b c", end="e"),
        [*chain("s", "each", "e"), *chain("a", "c"), *chain("b", "c")],
        parents={"a": "each", "b": "each", "c": "each"},
    )
    assert outline(program(drawn).main) == "s container {each?item +(a | b) c} e"


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


def crosswise(count: int) -> Graph:
    """Branches that meet each other on and on: no two of them form a block."""
    nodes, edges = {"s": "start"}, []
    for index in range(count):
        nodes |= {f"a{index}": "task", f"b{index}": "task"}
        before = ("s", "s") if not index else (f"a{index - 1}", f"b{index - 1}")
        edges += [(before[0], f"a{index}"), (before[1], f"b{index}")]
        if index:
            edges.append((f"a{index - 1}", f"b{index}"))
    last = count - 1
    return graph({**nodes, "e": "end"}, [*edges, (f"a{last}", "e"), (f"b{last}", "e")])


def unstructured(size: int) -> Graph:
    return Wild(Random(0), ENDLESS, 0.3, EARLY).draw(size)


def loops(count: int) -> Graph:
    """Approvals that return to the first node each: one loop in the other."""
    names = [f"t{index}" for index in range(count)]
    asked = [f"a{index}" for index in range(count)]
    ways = [(name, to, "returned") for name, to in zip(asked, reversed(names), strict=True)]
    return graph(
        kinds(start="s", task=" ".join(names), approval=" ".join(asked), end="e"),
        [*chain("s", *names, *asked, "e"), *ways],
    )


LARGE = {
    "1,000 rungs of a crosswise ladder": lambda: crosswise(1000),
    "2,000 unstructured nodes": lambda: unstructured(6800),
    "150 nested loops": lambda: loops(150),
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
def test_large_designs_have_a_small_program_with_little_work(name: str) -> None:
    drawn = LARGE[name]()
    found, work = counted(lambda: program(drawn))
    assert work < 1000 * len(drawn.nodes)
    blocks = [found.main, *found.functions.values()]
    steps = [one for block in blocks for one in statements(block) if isinstance(one, Step)]
    names = [one.node for one in steps] + [one.trigger for one in steps if one.trigger]
    assert sorted(names) == sorted(drawn.nodes)
    assert sum(1 for block in blocks for _ in statements(block)) <= 4 * len(drawn.nodes)
    assert max(map(depth, blocks)) <= 4


def depth(block: Block) -> int:
    """How deep blocks nest in a block."""
    inner = (one for statement in block for one in inner_blocks(statement))
    return max((1 + depth(one) for one in inner), default=0)


@pytest.mark.parametrize("draw", [line, ladder, switch, wide_fork, nested_forks, rollbacks])
def test_work_grows_with_the_size_of_the_design_and_not_faster(
    draw: Callable[[int], Graph],
) -> None:
    small, large = draw(150), draw(1500)
    few, many = (counted(partial(program, drawn))[1] for drawn in (small, large))
    assert many < 1.2 * few * len(large.nodes) / len(small.nodes)
