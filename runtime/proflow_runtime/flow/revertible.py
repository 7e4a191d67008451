"""A dictionary with savepoints."""

from __future__ import annotations

from collections.abc import Container
from typing import Any, TypeVar

K = TypeVar("K")
V = TypeVar("V")

_MISSING: Any = object()


class RevertibleDict(dict[K, V]):
    """A dictionary that can be rolled back to its last savepoint.

    Savepoints nest. Their cost grows with the number of changes, not with the size of the
    dictionary: a run sets one for each item of a foreach. Change entries by `[]` and `discard` only;
    no other method records the previous value.
    """

    __slots__ = ("_before",)

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._before: list[dict[K, V]] = []
        """For each savepoint, the previous values of the entries that have changed since."""

    def __setitem__(self, key: K, value: V) -> None:
        if self._before and key not in self._before[-1]:
            self._before[-1][key] = self.get(key, _MISSING)
        super().__setitem__(key, value)

    def discard(self, key: K) -> None:
        """Remove a key if it is present."""
        if key in self:
            if self._before and key not in self._before[-1]:
                self._before[-1][key] = self[key]
            super().__delitem__(key)

    def mark(self) -> None:
        """Set a savepoint."""
        self._before.append({})

    def release(self) -> None:
        """Remove the last savepoint; its changes now belong to the one before it."""
        changed = self._before.pop()
        if self._before:
            for key, value in changed.items():
                self._before[-1].setdefault(key, value)

    def changed(self) -> dict[K, V]:
        """Return the entries that are new or different since the last savepoint."""
        return {
            key: self[key]
            for key, value in self._before[-1].items()
            if key in self and self[key] is not value
        }

    def roll_back(self, keep: Container[K] = ()) -> None:
        """Restore all entries as of the last savepoint, except those of the keys to `keep`."""
        changed = self._before[-1]
        for key in [key for key in changed if key not in keep]:
            value = changed.pop(key)
            if value is not _MISSING:
                super().__setitem__(key, value)
            elif key in self:
                super().__delitem__(key)
