"""The default Inngest client of generated modules.

Environment variables: `PROFLOW_APP_ID` (`proflow` by default), and those of the SDK: `INNGEST_DEV`,
`INNGEST_EVENT_KEY`, `INNGEST_SIGNING_KEY`, `INNGEST_BASE_URL`.
"""

import logging
import os

import inngest

__all__ = ["client"]

client = inngest.Inngest(
    app_id=os.environ.get("PROFLOW_APP_ID") or "proflow",
    logger=logging.getLogger("proflow.inngest"),
)
