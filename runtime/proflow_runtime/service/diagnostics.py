"""The models of diagnostics in the API; they have the fields of `proflow check --format json`."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from proflow_schemas.language import said
from pydantic import BaseModel, ConfigDict, Field

from proflow_runtime.service.languages import reader

Pointer = Annotated[str, Field(description="A JSON pointer into the design as it was sent")]


class Written(BaseModel):
    """Adds or replaces a value."""

    op: Literal["add", "replace"]
    pointer: Pointer
    value: Any


class Removed(BaseModel):
    """Removes a value."""

    op: Literal["remove"]
    pointer: Pointer


class Moved(BaseModel):
    """Moves a value."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)

    op: Literal["move"]
    pointer: Pointer
    source: str = Field(alias="from")


class Fix(BaseModel):
    """A change of the design that removes the problem.

    `edits` are a JSON Patch (RFC 6902) with `pointer` instead of `path`, to be applied in order.
    """

    title: str
    safe: bool = Field(description="It changes nothing that a run does")
    edits: list[Annotated[Written | Removed | Moved, Field(discriminator="op")]]


class Diagnostic(BaseModel):
    """One problem of a design; the most likely of several fixes comes first."""

    code: str
    name: str
    level: Literal["error", "warning", "info"]
    message: str
    pointer: str
    line: int | None
    column: int | None
    end_line: int | None
    end_column: int | None
    node: str | None
    edge: str | None
    help: str | None
    path: list[str]
    key: str | None = Field(default=None, description="The name of the message")
    arguments: dict[str, Any] = Field(
        default_factory=dict, description="The arguments of the message, to word it elsewhere"
    )
    fixes: list[Fix]
    fixes_untried: int = Field(
        default=0,
        description="How many further fixes were left out, as trying each takes too long",
    )


def diagnostics(found: Iterable[dict[str, Any]]) -> list[Diagnostic]:
    """Convert the diagnostics of a report to the models of the API, in the reader's language."""
    return [Diagnostic.model_validate(said(one, reader())) for one in found]
