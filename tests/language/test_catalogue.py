"""Every text exists in English and Chinese, and says the same with the same arguments."""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import proflow_compiler
import proflow_runtime
import proflow_schemas
import pytest
from proflow_compiler.rules.rule import Rule
from proflow_schemas.language import Text, Texts
from proflow_schemas.language.wording import fields

PACKAGES = (proflow_schemas, proflow_compiler, proflow_runtime)
OPTIONAL = ("said",)
"""What a library says, which is in English: Chinese texts may leave it out."""
ENGLISH = re.compile(r"(?:\b[A-Za-z][a-z']*\b[ ,;:]+){3,}\b[A-Za-z][a-z']*\b")
"""Four English words in a row."""
NAMES = re.compile(
    r"Amazon States Language|AWS Step Functions|Google Cloud Workflows|GitHub Actions|Serverless Workflow"
)


def modules() -> Iterator[ModuleType]:
    for package in PACKAGES:
        for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if not found.name.endswith(("__main__", ".starter", ".demo")):
                yield importlib.import_module(found.name)


def catalogues() -> Iterator[tuple[str, Mapping[str, Text]]]:
    for module in modules():
        for name, value in vars(module).items():
            if isinstance(value, Texts) and value.texts:
                yield f"{module.__name__}.{name}", value.texts
            elif isinstance(value, Rule) and value.texts:
                yield value.code, value.texts


def texts() -> Iterator[tuple[str, str, Text]]:
    for owner, found in catalogues():
        for key, text in found.items():
            yield owner, key, text


def without_code(text: str) -> str:
    return NAMES.sub("", re.sub(r"`[^`]*`|\"[^\"]*\"", "", text))


def test_there_are_texts_of_every_area() -> None:
    owners = {owner for owner, _ in catalogues()}
    assert len(owners) > 90
    assert len(list(texts())) > 700


def test_every_text_is_translated() -> None:
    assert [(owner, key) for owner, key, text in texts() if not text.zh] == []


def test_both_languages_have_the_same_arguments() -> None:
    def of(template: str) -> frozenset[str]:
        return fields(template) - {*OPTIONAL}

    assert [
        (owner, key, text.en, text.zh)
        for owner, key, text in texts()
        if text.zh is not None and of(text.en) != of(text.zh)
    ] == []


def test_no_chinese_text_holds_an_english_sentence() -> None:
    assert [
        (owner, key, text.zh)
        for owner, key, text in texts()
        if owner != "proflow_compiler.rules.rule.TEXTS"
        and text.zh is not None
        and ENGLISH.search(without_code(text.zh))
    ] == []


def test_no_message_ends_with_a_full_stop() -> None:
    pages = ("proflow_compiler.explain", "proflow_compiler.rules.rule")
    assert [
        (owner, key)
        for owner, key, text in texts()
        if not owner.startswith(pages)
        and ((text.zh or "").endswith("。") or re.search(r"[a-z]\.$", text.en))
    ] == []


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args:
            called = ast.unparse(node.func)
            key = node.args[0]
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield called, node


@pytest.mark.parametrize("package", PACKAGES, ids=lambda one: one.__name__)
def test_every_call_names_a_text_and_gives_its_arguments(package: ModuleType) -> None:
    wrong: list[tuple[str, int, str]] = []
    for module in modules():
        if not module.__name__.startswith(package.__name__) or module.__file__ is None:
            continue
        known: dict[str, Any] = {}
        for name, value in vars(module).items():
            if isinstance(value, Texts):
                known[name] = value.texts
            elif isinstance(value, Rule):
                known[f"{name}.text"] = value.texts
        if not known:
            continue
        for called, node in calls(ast.parse(Path(module.__file__).read_text(encoding="utf-8"))):
            if called not in known or any(one.arg is None for one in node.keywords):
                continue
            key = node.args[0]
            assert isinstance(key, ast.Constant)
            text = known[called].get(key.value)
            given = {one.arg for one in node.keywords}
            if text is None or fields(text.en) - given:
                wrong.append((module.__name__, node.lineno, str(key.value)))
    assert wrong == []


def used_keys(tree: ast.AST) -> set[str]:
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
