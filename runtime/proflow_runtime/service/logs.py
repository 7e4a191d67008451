"""Writes logs as JSON lines, with the run, tenant and node that a record is about."""

from __future__ import annotations

import json
import logging
import sys
from contextlib import suppress
from datetime import UTC, datetime

from proflow_runtime.context.tenant import NoTenantError, current_tenant

ABOUT = {"run_id": "run", "tenant_id": "tenant", "node_id": "node", "attempt": "attempt"}
"""Extra fields of log records, and their names in the log."""


class JsonLines(logging.Formatter):
    """Formats a record as one JSON object in ASCII, so that no message can begin another line."""

    def format(self, record: logging.LogRecord) -> str:
        found: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        for field, name in ABOUT.items():
            value = getattr(record, field, None)
            if value is not None:
                found[name] = value
        if "tenant" not in found:
            with suppress(NoTenantError):
                found["tenant"] = current_tenant()
        if record.exc_info:
            found["error"] = self.formatException(record.exc_info)
        return json.dumps(found, default=str)


def log_to_stderr(level: int = logging.INFO) -> None:
    """Write the logs of this program to stderr from now on.

    Args:
        level: The lowest level of the service's own logs; other libraries log from WARNING on.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    for name in ("proflow", "inngest", "uvicorn"):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.propagate = False
        logger.setLevel(level if name == "proflow" else logging.WARNING)
