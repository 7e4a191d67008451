"""Renders the templates of generated source. Values are written as literals, except `Source`."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from jinja2.environment import TemplateModule
from proflow_schemas.definition import Approval, Rule

from proflow_compiler.emit.literals import Source, computed, literal, long_expression


def macro(template: str, name: str, *arguments: Any) -> str:
    """Return what a macro of a template writes."""
    return str(getattr(_module(template), name)(*arguments))


def rendered(template: str, **values: Any) -> str:
    """Return what a template writes."""
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
        argument=_argument,
        duration=lambda seconds: literal(timedelta(seconds=seconds)),
        keyword=_keyword,
        policy=_policy,
        rules=_rules,
    )
    return environment


def _argument(value: Any, name: str) -> Source:
    """Return an argument of a built-in handler; definitions hold timeouts as seconds."""
    return _span(value) if name == "timeout" else computed(value)


def _span(seconds: float) -> Source:
    return literal(timedelta(seconds=seconds))


def _reminders(reminders: dict[str, Any]) -> Source:
    arguments = [
        f"{name}={literal(value) if name == 'max' else _span(value)}"
        for name, value in reminders.items()
    ]
    return Source(f"Reminders({', '.join(arguments)})")


def _keyword(name: str) -> Source:
    if not name.isidentifier():
        raise ValueError(f"`{name}` is no argument of a built-in handler")
    return Source(name)


def _policy(approval: Approval) -> Iterator[tuple[Source, Source]]:
    """Yield the arguments of an approval that differ from their defaults."""
    for name, field in Approval.model_fields.items():
        value = getattr(approval, name)
        if value != field.get_default():
            match name:
                case "approver_expression":
                    yield Source(name), computed(value)
                case "reminders":
                    yield Source(name), _reminders(value)
                case _:
                    yield Source(name), literal(value)


def _rules(rules: Sequence[Rule]) -> dict[str, Source]:
    return {rule.outcome: long_expression(rule.when) for rule in rules}
