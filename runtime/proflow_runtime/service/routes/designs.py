"""The routes of designs: drafts, checks and published versions."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from proflow_compiler.design import Design
from proflow_compiler.diff import compare, comparison_json
from proflow_compiler.emit import Imports, emit_definition, emit_module
from proflow_compiler.reader.names import safe_id
from proflow_schemas.definition import Definition
from proflow_schemas.language import Text, Texts, said
from pydantic import BaseModel, Field

from proflow_runtime.context.permissions import WRITE_DESIGNS
from proflow_runtime.service.auth import Principal
from proflow_runtime.service.diagnostics import Diagnostic, diagnostics
from proflow_runtime.service.facade import ProFlow, refused
from proflow_runtime.service.languages import reader
from proflow_runtime.service.problems import RESPONSES, Problem, not_found
from proflow_runtime.service.routes.common import (
    Body,
    Code,
    Limit,
    Listed,
    Offset,
    audited,
    principal,
)
from proflow_runtime.service.routes.design_bodies import AskedDesign, Canvas
from proflow_runtime.service.routes.drawings import Drawn, drawn_for
from proflow_runtime.store import designs

TEXTS = Texts(
    "design",
    {
        "exists": Text("there is a design `{code:raw}` already", "设计 `{code:raw}` 已存在"),
        "bad-code": Text(
            "a code has up to 64 letters, digits, `-` and `_`, begins with a letter, and is "
            "no reserved word: say `{code:raw}`",
            "编码最多 64 个字符，只能包含字母、数字、`-` 和 `_`，以字母开头，且不能是保留字"
            "：可用 `{code:raw}`",
        ),
    },
)

TAG = "designs"
LONGEST_NAME = 255


class Summary(BaseModel):
    """A design without its draft."""

    code: str
    name: str
    revision: int = Field(description="Counts the saves of the draft")
    published_version: int | None
    created_at: datetime
    updated_at: datetime
    updated_by: str | None


class Draft(Summary):
    """A design with its draft, as the canvas has saved it.

    Without `designs:write`, `design` is null, and only published designs are shown.
    """

    design: Any
    input: dict[str, Any] | None = Field(
        default=None, description="The JSON Schema of the data that new runs take, if it has one"
    )


class NewDesign(Body):
    code: str | None = Field(
        default=None, max_length=64, description="By default the design's `id`"
    )
    name: str | None = Field(default=None, max_length=LONGEST_NAME)
    design: Canvas


class SavedDesign(Body):
    name: str | None = Field(default=None, max_length=LONGEST_NAME)
    design: Canvas
    revision: int | None = Field(
        default=None, ge=0, le=2**31 - 1, description="The revision that was edited"
    )


class PublishedRevision(Body):
    revision: int | None = Field(default=None, ge=0, le=2**31 - 1)


class Checked(BaseModel):
    """The result of a check; `diagnostics` are those of `proflow check --format json`."""

    ok: bool
    workflow: str | None
    diagnostics: list[Diagnostic]


class Compiled(Checked):
    """The result of a compilation; `python` and `definition` are null if there are errors."""

    python: str | None
    definition: Any


class Version(BaseModel):
    number: int
    digest: str
    published_at: datetime
    published_by: str | None


class VersionDrawing(Version):
    """A version with its design, which is null without `designs:write`."""

    design: Any


def add(router: APIRouter, proflow: ProFlow) -> None:
    """Add the routes of designs to a router."""
    who = principal(proflow)

    @router.get("/designs", tags=[TAG], responses=RESPONSES)
    async def list_designs(
        search: Annotated[str, Query(max_length=100)] = "",
        published: bool | None = None,
        offset: Offset = 0,
        limit: Limit = 50,
        principal: Principal = who,
    ) -> Listed[Summary]:
        """List the tenant's designs, the most recently changed first.

        Without `designs:write`, only those that are published.
        """
        if not principal.may(WRITE_DESIGNS):
            if published is False:
                return Listed(items=[], total=0)
            published = True
        found = await designs.listed(
            principal.tenant_id, search=search, published=published, offset=offset, limit=limit
        )
        return Listed(items=[_summary(one) for one in found.items], total=found.total)

    @router.post("/designs", status_code=201, tags=[TAG], responses=RESPONSES)
    async def create_design(body: NewDesign, principal: Principal = who) -> Draft:
        """Create a design with a draft, which may have errors."""
        principal.require(WRITE_DESIGNS)
        code = body.code
        if code is None:
            compiled = await proflow.compiling.compile(
                body.design, timezone=await proflow.zones.named(principal.tenant_id)
            )
            if compiled.design is None:
                raise refused(compiled)
            code = compiled.design.id
        _check_code(code)
        name = body.name or str(body.design.get("name") or code)[:LONGEST_NAME]
        try:
            found = await designs.create(
                principal.tenant_id, code, name=name, draft=body.design, by=principal.user
            )
        except designs.DesignExistsError:
            raise Problem(409, "design-exists", TEXTS("exists", code=code)) from None
        return _draft(found)

    @router.post("/designs/check", tags=[TAG], responses=RESPONSES)
    async def check_design(body: AskedDesign, principal: Principal = who) -> Checked:
        """Check a design; nothing is saved."""
        found = await proflow.compiling.compile(
            body.design,
            timezone=await proflow.zones.named(principal.tenant_id),
            tenant_id=principal.tenant_id,
        )
        workflow = None if found.design is None else found.design.id
        return Checked(ok=found.ok, workflow=workflow, diagnostics=diagnostics(found.diagnostics))

    @router.post("/designs/compile", tags=[TAG], responses=RESPONSES)
    async def compile_design(body: AskedDesign, principal: Principal = who) -> Compiled:
        """Compile a design to Python and to a definition; nothing is saved."""
        found = await proflow.compiling.compile(
            body.design, timezone=await proflow.zones.named(principal.tenant_id)
        )
        definition = found.definition
        return Compiled(
            ok=found.ok,
            workflow=None if found.design is None else found.design.id,
            diagnostics=diagnostics(found.diagnostics),
            python=None if definition is None else emit_module(definition, Imports()),
            definition=None if definition is None else emit_definition(definition),
        )

    @router.get("/designs/{code}", tags=[TAG], responses=RESPONSES)
    async def get_design(code: Code, principal: Principal = who) -> Draft:
        """Get a design with its draft; without `designs:write`, what is needed to start it."""
        row = await _design(principal, code)
        found = _draft(row)
        if not principal.may(WRITE_DESIGNS):
            if row.published_version is None:
                raise not_found("design")
            found.design = None
        found.input = await proflow.input_of(principal.tenant_id, code)
        return found

    @router.put("/designs/{code}", tags=[TAG], responses=RESPONSES)
    async def save_design(code: Code, body: SavedDesign, principal: Principal = who) -> Draft:
        """Save the draft; with `revision`, only if nobody else has saved it since."""
        principal.require(WRITE_DESIGNS)
        try:
            found = await designs.save(
                principal.tenant_id,
                code,
                body.design,
                by=principal.user,
                name=body.name,
                revision=body.revision,
            )
        except designs.UnknownDesignError:
            raise not_found("design") from None
        except designs.EditedMeanwhileError as error:
            raise Problem(409, "edited-meanwhile", str(error), revision=error.revision) from None
        return _draft(found)

    @router.delete("/designs/{code}", status_code=204, tags=[TAG], responses=RESPONSES)
    async def delete_design(code: Code, force: bool = False, principal: Principal = who) -> None:
        """Delete a design. Its runs continue; if it has open runs, `force` is needed."""
        principal.require(WRITE_DESIGNS)
        try:
            await designs.delete(principal.tenant_id, code, force=force)
        except designs.UnknownDesignError:
            raise not_found("design") from None
        except designs.RunsOpenError as error:
            raise Problem(409, "runs-open", str(error), runs=error.runs) from None
        await audited(principal, "design-deleted", code, force=force)

    @router.post("/designs/{code}/publish", tags=[TAG], responses=RESPONSES)
    async def publish_design(
        code: Code, body: PublishedRevision | None = None, principal: Principal = who
    ) -> Version:
        """Publish the draft, so that new runs use it; refused if it has errors."""
        principal.require(WRITE_DESIGNS)
        revision = None if body is None else body.revision
        found = await proflow.publish(
            principal.tenant_id, code, by=principal.user, revision=revision
        )
        await audited(principal, "design-published", code, version=found.number)
        return _version(found)

    @router.post("/designs/{code}/unpublish", status_code=204, tags=[TAG], responses=RESPONSES)
    async def unpublish_design(code: Code, principal: Principal = who) -> None:
        """Unpublish a design, so that it starts no more runs."""
        principal.require(WRITE_DESIGNS)
        try:
            await designs.unpublish(principal.tenant_id, code)
        except designs.UnknownDesignError:
            raise not_found("design") from None
        await audited(principal, "design-unpublished", code)

    @router.get("/designs/{code}/versions", tags=[TAG], responses=RESPONSES)
    async def list_versions(
        code: Code, offset: Offset = 0, limit: Limit = 50, principal: Principal = who
    ) -> Listed[Version]:
        """List the published versions of a design, the newest first."""
        try:
            found = await designs.versions(principal.tenant_id, code, offset=offset, limit=limit)
        except designs.UnknownDesignError:
            raise not_found("design") from None
        return Listed(items=[_version(one) for one in found.items], total=found.total)

    @router.get("/designs/{code}/versions/{number}", tags=[TAG], responses=RESPONSES)
    async def get_version(code: Code, number: int, principal: Principal = who) -> VersionDrawing:
        """Get a published version with its design."""
        found = await _numbered(principal, code, number)
        design = found.canvas if principal.may(WRITE_DESIGNS) else None
        return VersionDrawing(**_version(found).model_dump(), design=design)

    @router.get("/designs/{code}/versions/{number}/drawing", tags=[TAG], responses=RESPONSES)
    async def draw_version(code: Code, number: int, principal: Principal = who) -> Drawn:
        """Draw a published version; without `designs:write`, without the settings of its steps."""
        version = await _numbered(principal, code, number)
        zone = await proflow.zones.named(principal.tenant_id)
        found = await proflow.compiling.draw(version.canvas, timezone=zone)
        return drawn_for(principal, found, proflow.compiling.types)

    @router.get("/designs/{code}/diff", tags=[TAG], responses=RESPONSES)
    async def diff_versions(
        code: Code, old: int, new: int, principal: Principal = who
    ) -> dict[str, Any]:
        """Compare two versions, in the form of `proflow diff --format json`."""
        principal.require(WRITE_DESIGNS)
        sides = []
        for number in (old, new):
            version = await _numbered(principal, code, number)
            sides.append(await _side(version.canvas))
        found = compare(*sides)
        report: dict[str, Any] = said(
            comparison_json(found, f"{code} {old}", f"{code} {new}"), reader()
        )
        return report

    async def _side(canvas: Any) -> tuple[Design, Definition]:
        compiled = await proflow.compiling.compile(canvas)
        if compiled.design is None or compiled.definition is None:
            raise refused(compiled)
        return compiled.design, compiled.definition


async def _design(principal: Principal, code: str) -> Any:
    try:
        return await designs.get(principal.tenant_id, code)
    except designs.UnknownDesignError:
        raise not_found("design") from None


async def _numbered(principal: Principal, code: str, number: int) -> Any:
    if not 0 < number < 2**31:
        raise not_found("version")
    try:
        return await designs.version(principal.tenant_id, code, number)
    except designs.UnknownDesignError:
        raise not_found("version") from None


def _check_code(code: str) -> None:
    """Raise `Problem` (422) if a code cannot be the id of a workflow."""
    if safe_id(code) != code:
        raise Problem(
            422,
            "invalid-code",
            TEXTS("bad-code", code=safe_id(code)),
        )


def _summary(row: Any) -> Summary:
    return Summary(**{name: getattr(row, name) for name in Summary.model_fields})


def _draft(row: Any) -> Draft:
    return Draft(**_summary(row).model_dump(), design=row.draft)


def _version(row: Any) -> Version:
    return Version(**{name: getattr(row, name) for name in Version.model_fields})
