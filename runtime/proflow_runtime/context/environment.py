"""All environment variables that ProFlow reads, in groups, each with its type, default and meaning.

No other module of the runtime reads the environment. The table in `docs/environment.md` is written
from these models. Secrets are never shown, neither in errors nor by `repr`.
"""

from __future__ import annotations

import ipaddress
import os
from functools import cache, lru_cache
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from proflow_schemas.times import TimeError, timezone_named
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    ValidationError,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from proflow_runtime.context.environment_error import EnvironmentVariableError

MOST_SHOWN = 60
"""The most characters of a value in an error."""


def _timezone(name: str) -> str:
    try:
        timezone_named(name)
    except TimeError as error:
        raise ValueError(str(error)) from None
    return name


def _entries(value: object) -> object:
    """Split a text at its commas."""
    if not isinstance(value, str):
        return value
    return tuple(one for part in value.split(",") if (one := part.strip().lower()))


def _hosts_or_networks(entries: tuple[str, ...]) -> tuple[str, ...]:
    for one in entries:
        if "/" in one:
            try:
                ipaddress.ip_network(one, strict=False)
            except ValueError:
                raise ValueError(f"`{one[:MOST_SHOWN]}` is not a network") from None
    return entries


Timezone = Annotated[str, AfterValidator(_timezone)]
Hosts = Annotated[
    tuple[str, ...], NoDecode, BeforeValidator(_entries), AfterValidator(_hosts_or_networks)
]


class Variables(BaseSettings):
    """A group of environment variables. An empty one counts as not set."""

    model_config = SettingsConfigDict(
        case_sensitive=True, env_ignore_empty=True, extra="ignore", frozen=True
    )
    title: ClassVar[str]


class General(Variables):
    """What the whole product reads."""

    title = "General"

    app_id: str = Field(
        default="proflow",
        validation_alias="PROFLOW_APP_ID",
        description="the app of `proflow_runtime.client`, which modules import without `--client`",
    )
    timezone: Timezone | None = Field(
        default=None,
        validation_alias="PROFLOW_TIMEZONE",
        description="the time zone of designs and tenants that name none, such as `Asia/Shanghai`;"
        " UTC by default",
    )
    database_url: SecretStr | None = Field(
        default=None,
        validation_alias="PROFLOW_DATABASE_URL",
        description="the database of the commands that have `--database`; by default the file"
        " `proflow.db` in the current folder",
    )
    language: str | None = Field(
        default=None,
        validation_alias="PROFLOW_LANG",
        description="`en` or `zh`: the language of the command line; `en` by default",
    )
    traceback: str | None = Field(
        default=None,
        validation_alias="PROFLOW_TRACEBACK",
        description="any text: the command line shows where a defect of `proflow` is",
    )


class Inngest(Variables):
    """What the Inngest SDK reads; ProFlow only looks whether it is set."""

    title = "Inngest"

    dev: str | None = Field(
        default=None,
        validation_alias="INNGEST_DEV",
        description="`1`: a development server on this machine; or its address",
    )
    base_url: str | None = Field(
        default=None,
        validation_alias="INNGEST_BASE_URL",
        description="the address of a self-hosted server",
    )
    event_key: SecretStr | None = Field(
        default=None,
        validation_alias="INNGEST_EVENT_KEY",
        description="the key with which events are sent",
    )
    signing_key: SecretStr | None = Field(
        default=None,
        validation_alias="INNGEST_SIGNING_KEY",
        description="the key with which requests are signed",
    )

    @property
    def is_known(self) -> bool:
        """True if there is an Inngest server to reach, or Inngest's cloud."""
        return bool(self.dev or self.base_url or self.signing_key)


class HttpCalls(Variables):
    """What `http` nodes may call."""

    title = "Calls of `http` nodes"

    allow: Hosts = Field(
        default=(),
        validation_alias="PROFLOW_HTTP_ALLOW",
        description="host names and networks that may be called although they are not public,"
        " separated by commas, such as `erp.internal,10.0.0.0/8`",
    )
    allow_private: bool = Field(
        default=False,
        validation_alias="PROFLOW_HTTP_ALLOW_PRIVATE",
        description="`1`: any address may be called",
    )
    max_bytes: PositiveInt = Field(
        default=2**20,
        validation_alias="PROFLOW_HTTP_MAX_BYTES",
        description="the largest answer, in bytes",
    )


class Smtp(Variables):
    """The mail server of the channel `email`; it needs the extra `email`."""

    title = "E-mail (extra `email`)"

    host: str | None = Field(
        default=None,
        validation_alias="PROFLOW_SMTP_HOST",
        description="the mail server; needed",
    )
    sender: str | None = Field(
        default=None,
        validation_alias="PROFLOW_SMTP_FROM",
        description="the address of the sender, such as `ProFlow <flow@example.com>`; needed",
    )
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls",
        validation_alias="PROFLOW_SMTP_SECURITY",
        description="how the connection is encrypted",
    )
    port: Annotated[int, Field(ge=1, le=65535)] | None = Field(
        default=None,
        validation_alias="PROFLOW_SMTP_PORT",
        description="the port; by default 587, with `tls` 465, with `none` 25",
    )
    username: str | None = Field(
        default=None,
        validation_alias="PROFLOW_SMTP_USERNAME",
        description="the user, if the server asks for one",
    )
    password: SecretStr | None = Field(
        default=None,
        validation_alias="PROFLOW_SMTP_PASSWORD",
        description="the user's password",
    )
    timeout: PositiveFloat = Field(
        default=30,
        validation_alias="PROFLOW_SMTP_TIMEOUT",
        description="how long to wait for the server, in seconds",
    )


class ModelCalls(Variables):
    """The language model of `ai` nodes; it needs the extra `ai`."""

    title = "Language models (extra `ai`)"

    api_key: SecretStr | None = Field(
        default=None,
        validation_alias="OPENAI_API_KEY",
        description="the key of the model's server; needed",
    )
    base_url: str | None = Field(
        default=None,
        validation_alias="OPENAI_BASE_URL",
        description="any server with OpenAI's API; by default OpenAI's own (read by its library)",
    )
    model: str | None = Field(
        default=None,
        validation_alias="PROFLOW_AI_MODEL",
        description="the model of nodes that name none",
    )
    timeout: PositiveFloat = Field(
        default=120,
        validation_alias="PROFLOW_AI_TIMEOUT",
        description="how long to wait for an answer, in seconds",
    )


GROUPS: tuple[type[Variables], ...] = (General, Inngest, HttpCalls, Smtp, ModelCalls)
G = TypeVar("G", bound=Variables)


def read(group: type[G]) -> G:
    """Read a group of variables from the environment as it is now.

    Raises:
        EnvironmentVariableError: If a variable has a value that it cannot have.
    """
    found = _read(group, tuple(map(os.environ.get, names(group))))
    assert isinstance(found, group)
    return found


@cache
def names(group: type[Variables]) -> tuple[str, ...]:
    """Return the names of the variables of a group."""
    return tuple(str(field.validation_alias) for field in group.model_fields.values())


def check_all() -> None:
    """Read all groups.

    Raises:
        EnvironmentVariableError: If a variable has a value that it cannot have.
    """
    for group in GROUPS:
        read(group)


# Each replay of a run asks for the time zone; reading a group takes half a millisecond.
@lru_cache(maxsize=64)
def _read(group: type[Variables], _values: tuple[str | None, ...]) -> Variables:
    try:
        return group()
    except ValidationError as error:
        raise EnvironmentVariableError(_described(group, error.errors()[0])) from None


def _described(group: type[Variables], problem: Any) -> str:
    """Describe the first problem of a group on one line."""
    name = str(problem["loc"][0])
    (field,) = (one for one in group.model_fields.values() if one.validation_alias == name)
    value = "" if "Secret" in str(field.annotation) else str(problem["input"])[:MOST_SHOWN]
    limits = problem.get("ctx", {})
    match problem["type"]:
        case "value_error":
            return f"`{name}`: {limits['error']}"
        case "int_parsing" | "int_from_float":
            wanted = "a whole number"
        case "float_parsing":
            wanted = "a number"
        case "bool_parsing":
            wanted = "`1` or `0`"
        case "literal_error":
            wanted = f"one of {limits['expected']}".replace("'", "`")
        case "greater_than" | "greater_than_equal":
            wanted = f"a number of at least {limits['ge']}" if "ge" in limits else "above 0"
        case "less_than_equal":
            wanted = f"a number of at most {limits['le']}"
        case _:
            wanted = str(problem["msg"])
    return f"`{name}` is `{value}`, and must be {wanted}"
