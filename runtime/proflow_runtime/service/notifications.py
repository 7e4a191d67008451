"""The built-in channel `inApp`: stores a notification for each recipient, and tells those online."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import inngest
from proflow_schemas.expressions import as_text

from proflow_runtime.approvals.resolving import ApproverSpec, Context, Resolver
from proflow_runtime.flow.scope import Scope, Workflow
from proflow_runtime.handlers.task import Task
from proflow_runtime.service.canvases import canvas_of
from proflow_runtime.store import designs, notifications, runs
from proflow_runtime.store.models.runs import Run
from proflow_runtime.store.notifications import LONGEST_LINK, Message
from proflow_runtime.values import JSON

log = logging.getLogger("proflow.notifications")
LONGEST_BODY = 20_000
LONGEST_USER = 200
KINDS = frozenset(
    {
        *("user", "role", "department", "manager", "multiLevelManager", "initiator"),
        *("initiatorSelect", "form", "admin"),
    }
)
"""The kinds of recipients that a resolver is asked about; any other text is the id of a user."""


class InApp:
    """Sends in-app notifications; `send` is the handler of the channel `inApp`."""

    def __init__(self, resolver: Resolver, moved: Callable[[str], None]) -> None:
        """Create the channel.

        Args:
            resolver: Finds the users behind recipients such as `role:finance`.
            moved: Called with the key of each recipient, as `watch_key` makes it.
        """
        self._resolver, self._moved = resolver, moved

    async def send(self, task: Task) -> JSON:
        """Store a notification for each recipient.

        Args:
            task: Its input is `{"to", "subject", "content"}`. `to` is one recipient or a list of
                them: users' ids, or what approvers can be, such as `role:finance` or `initiator`.
                `content` is a text, or an object with `text`, `title` and `link`.

        Returns:
            `{"users": […], "unknown": […]}`: who has a notification now, and the recipients that
            stand for nobody.

        Raises:
            NonRetriableError: If the run belongs to no tenant.
        """
        if task.tenant_id is None:
            raise inngest.NonRetriableError("an in-app notification belongs to a tenant")
        run = await runs.get(task.tenant_id, task.run_id)
        users, unknown = await self._recipients(task, run)
        message = await _message(task, run)
        await notifications.add(task.tenant_id, users, message, key=task.idempotency_key)
        for user in users:
            self._moved(notifications.watch_key(task.tenant_id, user))
        if unknown:
            about = {
                "tenant_id": task.tenant_id,
                "run_id": task.run_id,
                "node_id": task.node_id,
            }
            log.warning("nobody is notified for %s", ", ".join(unknown), extra=about)
        return {"users": list(users), "unknown": list(unknown)}

    async def _recipients(self, task: Task, run: Run | None) -> tuple[list[str], list[str]]:
        assert task.tenant_id is not None
        initiator = None if run is None else await initiator_of(run)
        data: Any = {} if run is None else run.event.get("data") or {}
        workflow = "" if run is None else run.workflow
        context = Context(workflow, task.node_id, task.run_id, initiator, data)
        given = task.input.get("to")
        users: dict[str, None] = {}
        unknown: dict[str, None] = {}
        for one in given if isinstance(given, list) else [given]:
            text = "" if one is None else as_text(one).strip()
            found = await self._resolver.resolve(task.tenant_id, recipient(text), context)
            usable = [str(user) for user in found if 0 < len(str(user)) <= LONGEST_USER]
            users.update(dict.fromkeys(usable))
            if not usable:
                unknown[text] = None
        return list(users), list(unknown)


def recipient(text: str) -> ApproverSpec:
    """Parse a recipient: the id of a user, or what an approver can be, such as `role:finance`."""
    found = ApproverSpec.of(text)
    return found if found.kind in KINDS else ApproverSpec("user", text)


async def _message(task: Task, run: Run | None) -> Message:
    content = task.input.get("content")
    parts: dict[str, Any] = content if isinstance(content, dict) else {"text": content}
    known = {"text", "html", "title", "link"}
    title = as_text(task.input.get("subject") or parts.get("title") or "").strip()
    text = parts.get("text")
    if text is None and not known & parts.keys():
        text = parts  # data for a channel of the host: shown as it is
    link = _link(parts.get("link")) or (None if run is None else f"/runs/{run.id}")
    return Message(
        title=title or await _label(task, run),
        body="" if text is None else as_text(text)[:LONGEST_BODY],
        link=link,
        run_id=None if run is None else run.id,
        node=task.node_id,
    )


async def _label(task: Task, run: Run | None) -> str:
    """Return the label of the node that sends the notification."""
    canvas = None if run is None else await canvas_of(run.digest)
    labels = {} if canvas is None else {node.id: node.label for node in canvas.nodes}
    return labels.get(task.node_id) or task.node_id


def _link(value: object) -> str | None:
    """Return an address that a page may show as a link: http(s), or a path of the page itself."""
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_LINK:
        return None
    try:
        parts = urlsplit(value)
    except ValueError:
        return None
    if parts.scheme in ("http", "https"):
        return value if parts.netloc else None
    within = not parts.scheme and not parts.netloc and value.startswith("/")
    return value if within and "\\" not in value else None


async def initiator_of(run: Run) -> str | None:
    """Return the user who has started a run, as expressions of the run see `initiator`.

    Args:
        run: The run.
    """
    definition = await designs.definition(run.digest)
    if definition is None or definition.initiator is None:
        return run.started_by
    event = inngest.Event(name=run.event["name"], id=run.event["id"], data=run.event["data"])
    known = Workflow(run.workflow, initiator=definition.initiator)
    found = Scope(event, run.id, run.tenant_id, known, {}).get("initiator")
    return run.started_by if found is None else as_text(found)
