"""Renders the templates of generated source. Values are written as literals, except `Source`."""

from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from jinja2.environment import TemplateModule
from proflow_schemas.definition import Approval, ApprovalPolicy, Reminders, Rule
from pydantic import BaseModel

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
        policy=policy_source,
        rules=_rules,
    )
    return environment


def _argument(value: Any, name: str) -> Source:
    """Return an argument of a built-in handler; definitions hold timeouts as seconds."""
    return _span(value) if name == "timeout" else computed(value)


def _span(seconds: float) -> Source:
    return literal(timedelta(seconds=seconds))


def _keyword(name: str) -> Source:
    if not name.isidentifier():
        raise ValueError(f"`{name}` is no argument of a built-in handler")
    return Source(name)


def policy_source(approval: Approval) -> Source | None:
    """Return `ApprovalPolicy(…)`; None if all settings are the defaults."""
    settings = _arguments(approval, ApprovalPolicy)
    return Source(f"ApprovalPolicy({settings})") if settings else None


def _arguments(values: BaseModel, model: type[BaseModel]) -> str:
    """Return the keyword arguments that create a model, without those that have their defaults."""
    found = []
    for name, field in model.model_fields.items():
        value = getattr(values, name)
        if value != field.get_default():
            nested = isinstance(value, Reminders)
            source = f"Reminders({_arguments(value, Reminders)})" if nested else literal(value)
            found.append(f"{name}={source}")
    return ", ".join(found)


def _rules(rules: Sequence[Rule]) -> dict[str, Source]:
    return {rule.outcome: long_expression(rule.when) for rule in rules}
