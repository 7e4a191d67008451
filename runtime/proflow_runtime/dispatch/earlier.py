"""The results that earlier attempts at a run have left, for the attempt that goes on."""

from __future__ import annotations

import json
from collections import OrderedDict
from typing import Any

from proflow_runtime.store import attempts

KEPT_BYTES = 64 * 1024 * 1024
"""How much a process caches; a single run has at most half of it."""


class EarlierResults:
    """A cache of what the database holds: it is the same in all replays of an attempt.

    It holds texts, since every replay needs values of its own: a handler may change its input.
    """

    def __init__(self, kept_bytes: int = KEPT_BYTES) -> None:
        self._kept_bytes, self._bytes = kept_bytes, 0
        self._texts: OrderedDict[tuple[str, str, int], str] = OrderedDict()

    async def of(
        self, tenant_id: int, run_id: str, attempt: int, part: str = ""
    ) -> dict[str, Any] | None:
        """Return the results of earlier attempts, or None in the first attempt.

        Args:
            tenant_id: The tenant that owns the run.
            run_id: The run.
            attempt: The number of the attempt that goes on.
            part: The part of the definition; empty for the run itself.

        Returns:
            `{data}` or `{error}` by hashed step id.
        """
        if attempt == 1:
            return None
        key = (run_id, part, attempt)
        text = self._texts.get(key)
        if text is None:
            rows = await attempts.results(tenant_id, run_id, part, attempt)
            text = json.dumps({row.step: row.result for row in rows})
            self._keep(key, text)
        else:
            self._texts.move_to_end(key)
        found: dict[str, Any] = json.loads(text)
        return found

    def _keep(self, key: tuple[str, str, int], text: str) -> None:
        self._bytes += len(text) - len(self._texts.pop(key, ""))
        self._texts[key] = text
        while self._bytes > self._kept_bytes and len(self._texts) > 1:
            self._bytes -= len(self._texts.popitem(last=False)[1])
