"""What the steps of the demo's designs do: they log, and touch nothing."""

from typing import Any

import inngest

from proflow_runtime.handlers.marking import handler
from proflow_runtime.handlers.task import Task

UNREADABLE = "???"
RISKY = ("违约", "penalty", "无限", "unlimited")


@handler
async def pay_supplier(task: Task) -> dict[str, Any]:
    task.logger.info("paid the supplier")
    return {"receipt": task.idempotency_key}


@handler
async def pay_employee(task: Task) -> dict[str, Any]:
    task.logger.info("paid the employee")
    return {"receipt": task.idempotency_key}


@handler
async def archive(task: Task) -> dict[str, Any]:
    task.logger.info("archived")
    return {}


@handler
async def collect_receipts(task: Task) -> dict[str, Any]:
    task.logger.info("collected the receipts")
    return {}


@handler
async def create_account(task: Task) -> dict[str, Any]:
    task.logger.info("created an account")
    return {"account": "已开通"}


@handler
async def prepare_desk(task: Task) -> dict[str, Any]:
    task.logger.info("prepared a desk")
    return {"desk": "三楼 12 号"}


@handler
async def send_message(task: Task) -> dict[str, Any]:
    task.logger.info("sent a message")
    return {}


@handler
async def back_up(task: Task) -> dict[str, Any]:
    """Fails at first, so that there is a second attempt to be seen."""
    if task.attempt == 1:
        raise ConnectionError("the backup's disk is not mounted yet")
    task.logger.info("backed up")
    return {}


@handler
async def export_ledger(task: Task) -> dict[str, Any]:
    task.logger.info("exported the ledger")
    return {}


@handler
async def count_stock(task: Task) -> dict[str, Any]:
    task.logger.info("counted the stock")
    return {"items": 128}


@handler
async def read_clause(task: Task) -> dict[str, Any]:
    """A clause that nobody can read fails for good."""
    clause = task.input["clause"] if isinstance(task.input, dict) else ""
    if clause == UNREADABLE:
        raise inngest.NonRetriableError("this clause cannot be read")
    risky = isinstance(clause, str) and any(word in clause for word in RISKY)
    return {"risk": "high" if risky else "low"}


@handler
async def sum_up(task: Task) -> dict[str, Any]:
    found = task.input["found"] if isinstance(task.input, dict) else []
    return {"clauses": len(found) if isinstance(found, list) else 0}
