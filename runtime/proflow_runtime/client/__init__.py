"""The Inngest client of generated modules that name none.

Environment: `PROFLOW_APP_ID` (`proflow` by default) and what the SDK reads itself: `INNGEST_DEV`,
`INNGEST_EVENT_KEY`, `INNGEST_SIGNING_KEY`, `INNGEST_BASE_URL`.
"""

import logging
import os

import inngest

client = inngest.Inngest(
    app_id=os.environ.get("PROFLOW_APP_ID") or "proflow",
    logger=logging.getLogger("proflow.inngest"),
)
