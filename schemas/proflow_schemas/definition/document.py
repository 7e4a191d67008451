"""The whole definition: its canonical JSON, its digest, and the file it is written to."""

import hashlib
import json
from typing import Any, Literal

from pydantic import Field, model_validator

from proflow_schemas.definition.canvas import Canvas
from proflow_schemas.definition.formats import FORMAT, UnknownFormatError
from proflow_schemas.definition.model import Model
from proflow_schemas.definition.ops import AnyOp
from proflow_schemas.definition.settings import CronTrigger, EventTrigger, FunctionSettings

_DOUBLES = "doubles"
"""A key that earlier definitions of this format have, and that is ignored. It listed the numbers that
expressions read as floats; they read all numbers as floats now."""


class Starters(Model):
    """Who may start runs by the API: those with a role, and those named; nobody if both are empty."""

    roles: list[str] = Field(default=[])
    people: list[str] = Field(default=[])


class Part(Model):
    """A part of a program that is too long for one run; it runs as a function of its own."""

    reads: list[str] = Field(default=[])
    """The nodes of earlier parts whose results this part reads."""
    keeps: list[str] = Field(default=[])
    """The nodes of this part whose results later parts read."""
    steps: "list[AnyOp]"


class Definition(Model):
    """A compiled design. Reading one of another format raises `UnknownFormatError`."""

    format: Literal["proflow/definition@2"] = FORMAT
    id: str
    name: str
    description: str | None = None
    version: str | None = None
    scope: Literal["tenant", "system"] = "tenant"
    timezone: str | None = None
    """The time zone of times without an offset; None: the tenant's."""
    task_type: str | None = None
    triggers: list[EventTrigger | CronTrigger] = Field(min_length=1, max_length=10)
    max_attempts: int = Field(default=5, ge=1)
    """The attempts of steps that have no retry policy of their own, the first one included."""
    settings: FunctionSettings = FunctionSettings()
    on_failure: str | None = None
    initiator: str | None = None
    """The expression that names who started the run."""
    input: dict[str, Any] | None = None
    """The JSON Schema of `event.data`; the data of runs that are started by hand must be valid against it."""
    starters: Starters | None = None
    """Who may start runs by the API; None for everybody. The host's code and events may always."""
    canvas: Canvas
    functions: dict[str, list[AnyOp]] = Field(default={})
    parts: dict[str, Part] = Field(default={})
    """The parts of a program that is too long for one run, by step id; else empty."""
    steps: list[AnyOp]
    digest: str = ""

    @model_validator(mode="before")
    @classmethod
    def _known_format(cls, data: Any) -> Any:
        """Report another format as such, before pydantic reports each key that differs."""
        found = data.get("format", FORMAT) if isinstance(data, dict) else FORMAT
        if isinstance(found, str) and found != FORMAT:
            workflow = data.get("id")
            raise UnknownFormatError(found, workflow if isinstance(workflow, str) else None)
        if isinstance(data, dict) and _DOUBLES in data:
            data = {key: value for key, value in data.items() if key != _DOUBLES}
        return data

    def canonical(self) -> str:
        """Return the canonical JSON of everything but the digest, from which the digest is computed.

        Defaults are left out, so that a field added later changes no digest.
        """
        return canonical_json({**self._explicit(), "digest": None})

    def with_digest(self) -> "Definition":
        """Return a copy whose `digest` is `sha256:` and the hash of its canonical JSON."""
        digest = hashlib.sha256(self.canonical().encode()).hexdigest()
        return self.model_copy(update={"digest": f"sha256:{digest}"})

    def to_json(self) -> str:
        """Return the text of the file `<id>.definition.json`: indented, with a line break at its end."""
        return json.dumps(self._explicit(), ensure_ascii=False, indent=2) + "\n"

    def _explicit(self) -> dict[str, Any]:
        data = self.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        return {"format": self.format, **data}


def canonical_json(value: Any) -> str:
    """Return the JSON of a value with sorted keys and no white space: equal values give equal texts."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
