"""design.

Compiled by proflow from the design `design`. Edit the design, not this file.
"""

import inngest
from proflow_runtime import WITH_CALL, WITH_PARENT, Flow, Result, workflow
from proflow_runtime.client import client


@client.create_function(
    fn_id="design",
    trigger=inngest.TriggerEvent(event="design/start"),
    retries=4,
    cancel=[WITH_PARENT, WITH_CALL],
)
@workflow(
    digest="sha256:098a622def3b44faed0b8ebcc50b8e037850bc9f77e6fa208e8d6b07903581aa",
    initiator="event.data.initiator_id",
)
async def design(flow: Flow) -> Result:
    """Run design."""
    # approve1 · 审批节点1
    approve1 = await flow.approve("approve1")
    if approve1.outcome != "approved":
        return flow.stop("approve1", approve1.outcome)

    # approve2 · 审批节点2
    approve2 = await flow.approve("approve2")
    if approve2.outcome != "approved":
        return flow.stop("approve2", approve2.outcome)
    return flow.end("end")


FUNCTIONS = [design]
