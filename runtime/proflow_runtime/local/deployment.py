"""The functions that the engine runs; they may be replaced while it runs."""

import logging
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import inngest

from proflow_runtime.local import snapshots
from proflow_runtime.local.execution import Execution
from proflow_runtime.local.journal import SavedRun
from proflow_runtime.local.sdk import SdkApp
from proflow_runtime.local.settings import FunctionSettings, Unsupported, settings_of

log = logging.getLogger("proflow.engine")


class Deployment:
    """The settings of the deployed functions (`settings`), and the app that runs them (`app`).

    A function that was removed still completes its open runs. Raises `Unsupported`.
    """

    def __init__(self, client: inngest.Inngest, functions: Sequence[inngest.Function[Any]]) -> None:
        self._client = client
        self._leaving: list[inngest.Function[Any]] = []
        self._homeless: list[SavedRun] = []
        self._set(functions, ())

    def replace(
        self, functions: Sequence[inngest.Function[Any]], running: AbstractSet[str]
    ) -> None:
        """Replace the functions; `running` are the ids of the functions that have open runs."""
        new = {settings.id for function in functions for settings in settings_of(function)}
        leaving = [
            function
            for function in (*self._leaving, *self._functions)
            if any(item.id in running - new for item in settings_of(function))
            and not any(item.id in new for item in settings_of(function))
        ]
        self._set(functions, leaving)

    def restore(self, saved: Iterable[SavedRun], execution: Execution) -> None:
        """Continue the runs of an earlier process; those without a function wait until it is deployed."""
        functions = {item.id: item for item in self.settings}
        homeless = []
        for run in (*self._homeless, *saved):
            settings = functions.get(snapshots.function_of(run))
            if settings is None:
                homeless.append(run)
            else:
                self._continue(execution, settings, run)
        if homeless and len(homeless) != len(self._homeless):
            names = sorted({snapshots.function_of(run) for run in homeless})
            log.warning("%d runs wait for functions: %s", len(homeless), ", ".join(names))
        self._homeless = homeless

    @staticmethod
    def _continue(execution: Execution, settings: FunctionSettings, saved: SavedRun) -> None:
        try:
            snapshots.restore(execution, settings, saved)
        except Exception as error:  # one run must not keep all others from going on
            log.exception("run %s of %s cannot be read", saved.id, settings.id)
            if (run := execution.find(saved.id)) is not None:
                message = f"parked: what is stored of the run cannot be read: {error}"
                execution.refuse(run, type(error).__name__, message)

    def _set(
        self,
        functions: Sequence[inngest.Function[Any]],
        leaving: Sequence[inngest.Function[Any]],
    ) -> None:
        settings = [item for function in functions for item in settings_of(function)]
        if len({item.id for item in settings}) < len(settings):
            raise Unsupported("two functions have the same id")
        self.app = SdkApp(self._client, [*functions, *leaving])
        self.settings: list[FunctionSettings] = settings
        self._functions = list(functions)
        self._leaving = list(leaving)
