"""The error of a step that this deployment cannot begin, though another may."""

from __future__ import annotations

from typing import Literal

import inngest
from proflow_schemas.errors import ProFlowError

UNBLOCKED = "proflow/unblocked"
"""The name of the event that continues a blocked run; its data is `{tenant_id, run_id}`."""
Reason = Literal["handler", "channel", "format"]
"""What is missing: a handler, a channel, or a program that can read the definition's format."""


class BlockedError(ProFlowError, inngest.NonRetriableError):
    """A step needs what this deployment lacks: the run is held until a deployment has it.

    Where nothing can hold the run, as in compiled modules, the step fails at once.

    Attributes:
        reason: What kind of thing is missing.
        subject: Its name.
    """

    def __init__(self, reason: Reason, subject: str, message: str) -> None:
        super().__init__(message)
        self.reason, self.subject = reason, subject
