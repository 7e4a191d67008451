"""每日定时邮件 (scheduled-email).

Compiled by proflow from the design `scheduled-email`. Edit the design, not this file.
"""

from datetime import timedelta

import inngest
from proflow_runtime import (
    WITH_CALL,
    WITH_PARENT,
    Flow,
    Result,
    Retry,
    fan_out,
    workflow,
)
from proflow_runtime.client import client

from . import handlers

scheduled_email_fan_out = fan_out(
    client,
    fn_id="scheduled-email-fan-out",
    cron="0 9 * * *",
    timezone="Asia/Shanghai",
    event="scheduled-email/scheduled",
    tenants=handlers.tenants,
)


@client.create_function(
    fn_id="scheduled-email",
    name="每日定时邮件",
    trigger=inngest.TriggerEvent(event="scheduled-email/scheduled"),
    retries=4,
    cancel=[WITH_PARENT, WITH_CALL],
)
@workflow(
    digest="sha256:91d3dd6047c1cc51b29888e25999ef265d2d948e3927e7c749baaee7a00b069e",
    initiator="event.data.initiator_id",
    channels=("email",),
)
async def scheduled_email(flow: Flow) -> Result:
    """Run 每日定时邮件 (scheduled-email)."""
    # list-users · 查询活跃用户
    await flow.run(
        "list-users",
        handlers.list_active_users,
        retry=Retry(max_attempts=3, initial_interval=timedelta(seconds=10)),
    )

    # send-email · 发送日报
    await flow.notify(
        "send-email",
        channel="email",
        to=flow.get('steps["list-users"].output.emails'),
        subject="每日简报",
        content={"template": "daily-digest", "tenant": flow.get("tenant_id")},
    )
    return flow.end(
        "end",
        output={"recipients": flow.get('size(steps["list-users"].output.emails)')},
    )


FUNCTIONS = [scheduled_email_fan_out, scheduled_email]
