"""The base models and field types of node configs and of a design's settings.

The published JSON Schema of a design is derived from these models, with their docstrings as descriptions.
Durations are texts such as `24h`, or seconds (see `durations`).
"""

from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Self, get_args, get_type_hints

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from proflow_schemas.definition import RetryPolicy
from proflow_schemas.durations import parse_duration


def integral(value: Any) -> Any:
    """Convert `3.0` to `3`: JSON Schema accepts it as an integer, so the models do as well."""
    return int(value) if type(value) is float and value.is_integer() else value


Whole = Annotated[int, BeforeValidator(integral)]
Count = Annotated[int, Field(ge=1), BeforeValidator(integral)]
Expression = Annotated[
    str,
    Field(description="a CEL expression over event, steps, …", json_schema_extra={"format": "cel"}),
]
Text = Annotated[str, Field(description="text; `${…}` holds an expression")]
Value = Annotated[Any, Field(description="JSON; `${…}` in strings holds an expression")]
Duration = Annotated[
    str | int | float,
    Field(description="`90s`, `15m`, `24h`, `3d`, ISO 8601, or seconds", examples=["24h", 90]),
]
Name = Annotated[str, Field(min_length=1)]
RESERVED = (
    *("event", "steps", "initiator", "tenant_id", "run", "workflow"),
    *("item", "index", "iteration", "has", "true", "false", "null", "in", "as", "break"),
    *("const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package"),
    *("namespace", "return", "var", "void", "while"),
)
"""Names with a meaning in expressions, and reserved words of CEL; no alias can have them."""


class Config(BaseModel):
    """What all node configs share: camelCase keys, nothing unknown."""

    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_name=True, extra="forbid", strict=True
    )


class Answered(Config):
    """Waits for an event, by which somebody answers."""

    if TYPE_CHECKING:
        event: Name
        match: Name | None


class EventTrigger(Config):
    """Starts a run at each event of this name."""

    event: Name
    condition: Expression | None = Field(default=None, alias="if")


class CronTrigger(Config):
    """Starts a run at each tick of a five-field cron expression."""

    cron: Name
    timezone: str | None = Field(default=None, examples=["Asia/Shanghai"])


Trigger = EventTrigger | CronTrigger


class Retry(Config):
    """How often a step is tried, and how long it waits in between; no jitter."""

    max_attempts: Annotated[int, Field(ge=1, le=20), BeforeValidator(integral)] = 5
    initial_interval: Duration | None = None
    max_interval: Duration | None = None
    multiplier: float = Field(default=2.0, ge=1)


class Retried(Config):
    """Says how often it is tried, in one of two ways."""

    model_config = ConfigDict(
        json_schema_extra={
            "not": {
                "required": ["retry", "retries"],
                "properties": {"retry": {"type": "object"}, "retries": {"type": "integer"}},
            }
        }
    )

    retry: Retry | None = None
    retries: Annotated[int, Field(ge=0, le=19), BeforeValidator(integral)] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.retry is not None and self.retries is not None:
            raise ValueError("`retry` and `retries` are both given")
        return self


def mentions(hint: Any, wanted: Any) -> bool:
    """True if a type hint is `wanted`, or contains it."""
    return bool(hint == wanted) or any(mentions(part, wanted) for part in get_args(hint))


@cache
def hints(config: type[BaseModel]) -> dict[str, Any]:
    """Return the type hints of a config's fields, with their annotations, by attribute name."""
    found = get_type_hints(config, include_extras=True)
    return {name: hint for name, hint in found.items() if name in config.model_fields}


@cache
def is_duration(config: type[BaseModel], key: str) -> bool:
    """True if a field holds a duration.

    Args:
        config: The model.
        key: The name of the attribute.
    """
    return mentions(hints(config)[key], Duration)


def seconds(value: Duration | None) -> float | None:
    """Return a duration in seconds; None if there is none."""
    return None if value is None else parse_duration(value).total_seconds()


def whole_seconds(value: Duration | None) -> int | None:
    """Return a duration in whole seconds, at least one, as Inngest requires; None if there is none."""
    exact = seconds(value)
    return None if exact is None else max(1, round(exact))


def retry_policy(retry: Retry | None, retries: int | None = None) -> RetryPolicy | None:
    """Return the retry policy of a step; None if the config sets none.

    Args:
        retry: The full form.
        retries: The short form: the number of attempts after the first one.
    """
    if retry is None:
        return None if retries is None else RetryPolicy(max_attempts=retries + 1)
    return RetryPolicy(
        max_attempts=retry.max_attempts,
        initial_interval=seconds(retry.initial_interval),
        max_interval=seconds(retry.max_interval),
        multiplier=retry.multiplier,
    )
