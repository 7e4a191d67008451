"""The node type `cc`: informs people who have nothing to decide."""

from dataclasses import replace

from proflow_schemas.node_types import notify
from proflow_schemas.node_types.record import Words

NODE_TYPE = replace(
    notify.NODE_TYPE,
    name="cc",
    title=Words("Copy", "抄送"),
    summary=Words(
        "Informs people who have nothing to decide. It works like `notify`.",
        "抄送给无需审批的人，用法与 `notify` 相同。",
    ),
    icon="mail",
    order=60,
    aliases=("copy", "抄送"),
    elsewhere=("carboncopy", "copyto", "ccuser", "知会"),
    triggers=False,
    example='{"id": "cc", "type": "cc", "data": {"to": ["role:finance"], "content": "Order approved"}}',
)
