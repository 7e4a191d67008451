"""A node type is one record: no other module names types in a list."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from proflow_schemas.node_types import CANONICAL, NODE_TYPES

ROOT = Path(__file__).parents[2]
RECORDS = ROOT / "schemas" / "proflow_schemas" / "node_types"
MODULES = sorted(
    path
    for package in ("schemas", "compiler", "runtime")
    for path in (ROOT / package).rglob("*.py")
    if RECORDS not in path.parents and "migrations" not in path.parts
)
CONFIGS = {kind.config.__name__ for kind in NODE_TYPES.values()}
OTHER_WORDS = {
    "conditions.py": {("start", "end")},  # the bounds of a range
    "published.py": {("condition", "loop")},  # keys of an edge's data
    "edges.py": {("condition", "loop")},
    # keys of an edge's data; what others call an interval
    "foreign_settings.py": {("condition", "loop"), ("delay", "wait")},
    "extras.py": {("service", "ai")},  # parts of the distribution
    "environment.py": {("Http", "Ai")},  # groups of variables
}
"""Lists in which words mean something else."""


def lists(source: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Where two or more types are named together: in lists, as keys, in patterns, as classes."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts):
                found = tuple(one for part in parts for one in _words(part))
            case ast.Dict(keys=keys):
                found = tuple(one for key in keys if key is not None for one in _words(key))
            case ast.MatchOr(patterns=patterns):
                found = tuple(one for part in patterns for one in _words(part))
            case ast.BinOp(op=ast.BitOr(), left=left, right=right):
                found = (*_words(left), *_words(right))
            case _:
                continue
        if len(found) > 1:
            yield node.lineno, found


def _words(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(text)) | ast.MatchValue(value=ast.Constant(value=str(text))):
            if text in CANONICAL:
                yield text
        case ast.Name(id=name) if name in CONFIGS:
            yield name
        case ast.MatchClass(cls=ast.Name(id=name)) if name in CONFIGS:
            yield name
        case ast.MatchAs(pattern=ast.AST() as inner):
            yield from _words(inner)
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            yield from _words(left)
            yield from _words(right)


def test_no_other_module_names_types_in_a_list() -> None:
    found = {
        f"{path.relative_to(ROOT)}:{line}": words
        for path in MODULES
        for line, words in lists(path.read_text(encoding="utf-8"))
        if words not in OTHER_WORDS.get(path.name, ())
    }
    assert found == {}


@pytest.mark.parametrize(
    "source",
    [
        'WAITING = ("approval", "wait")',
        'if node.type in {"task", "http"}: ...',
        'FORMS = {"start": 1, "end": 2}',
        "isinstance(config, Task | Http)",
        'match x:\n    case "ai" | "notify": ...',
        "match x:\n    case Wait() | Approval(): ...",
        'TYPES = (*OTHERS, "foreach", "loop")',
    ],
)
def test_such_lists_are_found(source: str) -> None:
    assert len(list(lists(source))) == 1
