"""The model of a tenant's settings."""

from __future__ import annotations

from typing import Annotated

from proflow_schemas.language import Text, Texts
from proflow_schemas.times import closest_timezone, is_timezone
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from proflow_runtime.tenants.retention import Retention

TEXTS = Texts(
    "tenant-settings",
    {
        "no-zone": Text("there is no time zone `{name:raw}`", "时区 `{name:raw}` 不存在"),
        "no-zone-meant": Text(
            "there is no time zone `{name:raw}`; did you mean `{close:raw}`?",
            "时区 `{name:raw}` 不存在，是否想写 `{close:raw}`？",
        ),
    },
)


def _known_timezone(name: str) -> str:
    if not is_timezone(name):
        close = closest_timezone(name)
        if close is None:
            raise ValueError(TEXTS("no-zone", name=name[:60]))
        raise ValueError(TEXTS("no-zone-meant", name=name[:60], close=close))
    return name


Timezone = Annotated[
    str,
    AfterValidator(_known_timezone),
    Field(max_length=100, examples=["Asia/Shanghai"], description="A name of the tz database"),
]


class TenantSettings(BaseModel):
    """The settings of a tenant; for those that are null, the service's default applies."""

    model_config = ConfigDict(extra="forbid")

    timezone: Timezone | None = None
    retention: Retention | None = Field(
        default=None, description="How long runs and the audit trail are kept"
    )
