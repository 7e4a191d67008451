"""Whom a stored run invokes: always the interpreter function, which is told what to run."""

from __future__ import annotations

from proflow_runtime.callees import Callee
from proflow_runtime.store import runs
from proflow_runtime.stored.asked import RUN, Asked


class StoredCallees:
    """Of one run, which is pinned to a digest; its parts are of the same."""

    def __init__(self, tenant_id: int, run_id: str, digest: str, version: int) -> None:
        self._tenant_id, self._run_id = tenant_id, run_id
        self._digest, self._version = digest, version

    def workflow(self, workflow: str, call: str) -> Callee:
        run_id = runs.derived_id("call", self._tenant_id, call)
        return Callee(RUN, Asked(run_id, workflow, caller=self._run_id).own())

    def part(self, workflow: str, part: str) -> Callee:
        asked = Asked(self._run_id, workflow, self._digest, self._version, part=part)
        return Callee(RUN, asked.own())
