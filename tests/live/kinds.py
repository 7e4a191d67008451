"""The two worlds that a test is run in."""

import os

import pytest

LIVE = pytest.param(
    "live",
    marks=[
        pytest.mark.live,
        pytest.mark.skipif(not os.environ.get("INNGEST_DEV"), reason="INNGEST_DEV is not set"),
    ],
)
KINDS = ["local", LIVE]
