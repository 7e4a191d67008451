"""嵌套并行 (nested-parallel).

Compiled by proflow from the design `nested-parallel`. Edit the design, not this file.
"""

from datetime import timedelta

import inngest
from proflow_runtime import WITH_CALL, WITH_PARENT, Flow, Result, workflow
from proflow_runtime.client import client

from . import handlers


@client.create_function(
    fn_id="nested-parallel",
    name="嵌套并行",
    trigger=inngest.TriggerEvent(event="contract/drafted"),
    retries=4,
    cancel=[WITH_PARENT, WITH_CALL],
)
@workflow(
    digest="sha256:34d920d5bbe0b58d6bdf5ef8de3167510a88aa40e33e943451c503d714af6397",
    initiator="event.data.initiator_id",
)
async def nested_parallel(flow: Flow) -> Result:
    """Run 嵌套并行 (nested-parallel)."""

    # announce · 通知相关方
    async def announce() -> Result:
        await flow.run("announce", handlers.announce)
        return flow.end("end-announced")

    async def outer() -> Result:
        # prepare · 准备文件
        async def prepare() -> None:
            await flow.run("prepare", handlers.prepare)

            # legal · 法务审批
            async def legal() -> Result | None:
                legal_decision = await flow.approve(
                    "legal", approvers=["department:legal"], timeout=timedelta(days=2)
                )
                if legal_decision.outcome == "rejected":
                    return flow.end("end-legal", "rejected")
                if legal_decision.outcome in ("timeout", "returned"):
                    return flow.stop("legal", legal_decision.outcome)
                return None

            # finance · 财务核算
            async def finance() -> None:
                await flow.run("finance", handlers.finance)

                # settle · 等待汇率
                await flow.sleep("settle", timedelta(minutes=30))

                # tax · 税务检查
                await flow.run("tax", handlers.tax)

            await flow.parallel(legal, finance)

            # sign · 盖章
            await flow.run("sign", handlers.sign)

        # book · 登记台账
        async def book() -> None:
            await flow.run("book", handlers.book)

        await flow.parallel(prepare, book)

        # file · 归档
        await flow.run("file", handlers.file)
        return flow.end("end")

    return await flow.parallel(announce, outer)


FUNCTIONS = [nested_parallel]
