"""The default Inngest client of generated modules.

Its environment variables are `PROFLOW_APP_ID`, and those of the Inngest SDK.
"""

import logging

import inngest

from proflow_runtime.context.environment import General, read

__all__ = ["client"]

client = inngest.Inngest(
    app_id=read(General).app_id,
    logger=logging.getLogger("proflow.inngest"),
)
