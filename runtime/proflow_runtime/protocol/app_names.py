"""The names of the events that the processes of one service send to themselves.

Inngest gives an event to every app that has a function for its name. Several services may share one
Inngest server, so the names of these events contain the id of the app.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property

_PLAIN = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_OTHERS = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(frozen=True)
class AppNames:
    """The names that belong to one app of Inngest, by its id.

    All begin with `proflow/`, which designs cannot use (PF407).
    """

    app_id: str

    @property
    def run(self) -> str:
        """The event that hands a run over to the interpreter function."""
        return self._name("run")

    @property
    def cancel(self) -> str:
        """The event that cancels a run; its data is `{tenant_id, run_id}`."""
        return self._name("cancel")

    @property
    def answer(self) -> str:
        """The event with which the service resumes a run that waits for an approval."""
        return self._name("answer")

    @property
    def failed(self) -> str:
        """The event that closes a failed run, if Inngest has not said that it has failed."""
        return self._name("failed")

    def derived(self, *parts: object) -> tuple[object, ...]:
        """Return the parts of an id that is derived from an event which other apps get as well."""
        return (self.app_id, *parts)

    def _name(self, name: str) -> str:
        return f"proflow/{self._segment}/{name}"

    @cached_property
    def _segment(self) -> str:
        """The id of the app as a part of a name; different apps have different ones."""
        if _PLAIN.fullmatch(self.app_id):
            return self.app_id
        digest = hashlib.sha256(self.app_id.encode("utf-8", "surrogatepass")).hexdigest()[:12]
        return f"{_OTHERS.sub('-', self.app_id)[:40]}~{digest}"
