"""What generated modules read like, whatever was drawn."""

import ast
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random

import pytest
from compiler_structure.random_designs import Blocks
from emit.test_reviewing import DESIGNED, compiled, drawn
from emit.test_structures import DEEP, RUNS, WIDE
from fixtures.cases import DESIGNS, fixtures
from parity.growing import grow
from proflow_compiler.emit import Imports, emit_module
from proflow_compiler.emit.exits import _member
from proflow_compiler.emit.extents import MOST_BRANCHES, MOST_STATEMENTS
from proflow_compiler.lowering import lower
from proflow_compiler.pipeline import compile_file
from proflow_schemas.definition import Definition

Function = ast.FunctionDef | ast.AsyncFunctionDef
GROWN = 120
UNBOUNDED = ("wide switch",)
"""What branches more than a function may, in one statement."""


def definitions() -> Iterator[tuple[str, Definition]]:
    for name in fixtures():
        for one in compile_file(str(DESIGNS / name / "design.json")).definitions:
            yield f"{name}/{one.id}", one
    for name, make in DESIGNED.items():
        for one in make():
            yield f"reviewed {name}/{one.id}", one
    for name, (one, _) in RUNS.items():
        yield f"by hand {name}", one
    yield from ((f"deep {name}", one) for name, one in DEEP.items())
    yield from ((f"wide {name}", one) for name, one in WIDE.items())
    for seed in range(25):
        one, _ = lower(Blocks(Random(seed), 40).draw())
        yield f"blocks {seed}", one
    for seed in range(GROWN):
        random = Random(seed)
        for one in compiled(grow(random.randint(5, 40), random).json()):
            yield f"grown {seed}", one


@cache
def modules() -> dict[str, ast.Module]:
    return {name: ast.parse(emit_module(one, Imports())) for name, one in definitions()}


@cache
def sources() -> list[tuple[str, ast.Module]]:
    found = list(modules().items())
    assert sum(name.startswith("grown") for name, _ in found) > GROWN / 4
    return found


def functions(tree: ast.AST) -> list[Function]:
    return [one for one in ast.walk(tree) if isinstance(one, Function)]


def own(function: Function) -> Iterator[ast.AST]:
    """What stands in a function, but not in those inside of it."""
    stack: list[ast.AST] = list(function.body)
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, Function | ast.Lambda):
            stack += ast.iter_child_nodes(node)


@pytest.mark.long
def test_only_what_awaits_is_a_coroutine() -> None:
    for name, tree in sources():
        for function in functions(tree):
            awaits = any(isinstance(node, ast.Await) for node in own(function))
            workflow = bool(function.decorator_list)
            assert awaits or workflow or isinstance(function, ast.FunctionDef), (
                name,
                function.name,
            )


def test_every_function_does_something() -> None:
    for name, tree in sources():
        for function in functions(tree):
            body = function.body[ast.get_docstring(function) is not None :]
            assert body, (name, function.name)
            assert not isinstance(body[0], ast.Pass), (name, function.name)


def test_every_match_fails_on_what_it_does_not_know() -> None:
    found = 0
    for name, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Match):
                found += 1
                *known, last = node.cases
                assert isinstance(last.pattern, ast.MatchAs), name
                assert last.pattern.pattern is None, name
                assert isinstance(last.body[0], ast.Raise), name
                assert len(known) > 2, name
    assert found > 10


def test_functions_stand_right_where_they_are_used() -> None:
    """A function of the workflow's that only another one of them uses stands inside of that."""
    for name, tree in sources():
        for around in functions(tree):
            for function in [one for one in around.body if isinstance(one, Function)]:
                users = [one for one in around.body if one is not function and uses(one, function)]
                assert users, (name, around.name, function.name)
                if around.decorator_list:
                    inside = [one for one in users if isinstance(one, Function)]
                    assert len(users) > 1 or not inside, (name, function.name)


def uses(statement: ast.stmt, function: Function) -> bool:
    return any(
        isinstance(node, ast.Name) and node.id == function.name for node in ast.walk(statement)
    )


def test_durations_are_never_texts() -> None:
    spans = ("timeout", "initial_interval", "max_interval", "period", "after", "every")
    for name, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                if called in ("Branch", "flow.choose", "flow.choose_every", "flow.again"):
                    continue  # their `after` is a node or an outcome
                for keyword in node.keywords:
                    if keyword.arg in spans:
                        assert "timedelta(" in ast.unparse(keyword.value), (name, called)


def test_no_internal_id_is_written() -> None:
    for name, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("flow."):
                first = node.args[0] if node.args else None
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    assert not first.value.endswith("?exit"), name
                    assert not first.value.endswith("?received"), name


def complexity(function: Function) -> int:
    """As mccabe counts it; inner functions count, too."""
    count = 1
    for node in ast.walk(function):
        if isinstance(node, ast.If) or (isinstance(node, Function) and node is not function):
            count += 1
        elif isinstance(node, ast.Match):
            count += len(node.cases) - 1
    return count


def test_functions_are_small() -> None:
    for name, tree in sources():
        if name in UNBOUNDED:
            continue
        for function in functions(tree):
            assert complexity(function) <= MOST_BRANCHES + 1, (name, function.name)
            statements = [node for node in ast.walk(function) if isinstance(node, ast.stmt)]
            returns = [node for node in statements if isinstance(node, ast.Return)]
            assert len(statements) - len(returns) <= MOST_STATEMENTS + 3, (name, function.name)


def test_functions_of_the_module_are_documented() -> None:
    for name, tree in sources():
        outer = [one for one in tree.body if isinstance(one, Function)]
        assert all(ast.get_docstring(one) for one in outer), name


def test_a_comment_is_no_mere_id() -> None:
    (definition,) = drawn({"s": "start", "a": "task", "e": "end"}, [("s", "a"), ("a", "e")])
    assert "#" not in emit_module(definition, Imports()).split("async def")[1]


def test_what_a_loop_is_left_by_is_named() -> None:
    path = Path(__file__).parents[2] / "fixtures" / "equivalence" / "return-that-skips-an-edge.json"
    (definition,) = compiled(json.loads(path.read_text(encoding="utf-8"))["design"])
    source = emit_module(definition, Imports())
    assert 'JOIN7_AFTER_APPROVAL3_APPROVED = "join7 after approval3 approved"' in source
    assert 'flow.leave("task1", to=Task1Exit.JOIN7_AFTER_APPROVAL3_APPROVED)' in source
    assert 'Exit("task1", Task1Exit.JOIN7_AFTER_APPROVAL6_APPROVED)' in source


@pytest.mark.parametrize(
    ("exits", "members"),
    [
        (["pay", "tell-refused"], ["PAY", "TELL_REFUSED"]),
        (["a-b", "a b", "a_b"], ["A_B", "A_B_2", "A_B_3"]),
        (["打款", "通知：未通过"], ["打款", "通知_未通过"]),
        (["1st", "", "ŉ", "ß", "None"], ["STEP_1ST", "STEP", "ʼN", "SS", "NONE"]),
    ],
)
def test_members_of_exits_are_identifiers(exits: list[str], members: list[str]) -> None:
    taken: set[str] = set()
    found = [_member(exit, taken) for exit in exits]
    assert [one for one in found if not one.isidentifier()] == []
    assert found == members


@pytest.mark.parametrize("pattern", ["27-returning-to-the-draft"])
def test_branches_of_an_iteration_meet_in_it(pattern: str) -> None:
    path = DESIGNS.parent / "patterns" / pattern / "design.json"
    (definition,) = compile_file(str(path)).definitions
    source = emit_module(definition, Imports())
    assert 'return await flow.parallel(legal, finance, needs="all")' in source
    assert "flow.leave" not in source


def test_outcomes_that_go_on_alike_share_a_case() -> None:
    nodes = {"s": "start", "a": "task", "b": "approval", "c": "task", "d": "task", "e": "end"}
    edges = [
        ("s", "a"),
        ("a", "b"),
        ("b", "c", "approved"),
        ("b", "c", "timeout"),
        ("b", "d", "rejected"),
        ("b", "a", "returned"),
        ("c", "e"),
        ("d", "e"),
    ]
    (definition,) = drawn(nodes, edges, back={5: 2})
    source = emit_module(definition, Imports())
    assert source.count('flow.leave("a", to=AExit.C)') == 1
