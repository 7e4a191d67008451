"""The templates of generated source. What they write is a literal, unless it already is source."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from jinja2.environment import TemplateModule
from proflow_schemas.definition import Approval, Dependency, Rule

from proflow_compiler.emit.literals import Source, computed, literal


def macro(template: str, name: str, *arguments: Any) -> str:
    """What a macro of a template writes."""
    return str(getattr(_module(template), name)(*arguments))


def rendered(template: str, **values: Any) -> str:
    return _environment().get_template(f"{template}.jinja").render(values)


@cache
def _module(template: str) -> TemplateModule:
    return _environment().get_template(f"{template}.jinja").module


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("proflow_compiler.emit"),
        undefined=StrictUndefined,
        finalize=literal,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        computed=computed,
        edges=_edges,
        duration=lambda seconds: literal(timedelta(seconds=seconds)),
        keyword=_keyword,
        policy=_policy,
        rules=_rules,
    )
    return environment


def _edges(after: Sequence[Dependency]) -> list[str | tuple[str, ...]]:
    return [(one.source, *one.outcomes) if one.outcomes else one.source for one in after]


def _keyword(name: str) -> Source:
    if not name.isidentifier():
        raise ValueError(f"`{name}` is no argument of a built-in handler")
    return Source(name)


def _policy(approval: Approval) -> Iterator[tuple[Source, Source]]:
    """The arguments that differ from their defaults."""
    for name, field in Approval.model_fields.items():
        value = getattr(approval, name)
        if value != field.get_default():
            plain = name != "approver_expression"
            yield Source(name), literal(value) if plain else computed(value)


def _rules(rules: Sequence[Rule]) -> dict[str, str]:
    return {rule.outcome: rule.when for rule in rules}
