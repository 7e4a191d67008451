"""Makes the Inngest functions of designs, by the interpreter or from generated modules."""

import importlib.util
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import inngest
from proflow_schemas.definition import Definition

from proflow_runtime.handlers.registry import Registry
from proflow_runtime.programs.functions import functions_of

CLIENT_MODULE = "proflow_simulated_client"
HANDLERS_MODULE = "proflow_simulated_handlers"
"""The modules that generated code imports in a simulation, in place of the host's."""

MakeFunctions = Callable[[inngest.Inngest, Registry], list[inngest.Function[Any]]]


def interpreted_functions(*definitions: Definition) -> MakeFunctions:
    """Return what makes the functions of definitions by the interpreter."""
    return lambda client, registry: [
        function for one in definitions for function in functions_of(one, client, registry)
    ]


def generated_functions(*sources: str) -> MakeFunctions:
    """Return what makes the functions of generated modules.

    Args:
        sources: The texts of the modules, compiled for `CLIENT_MODULE` and `HANDLERS_MODULE`.
    """

    def make(client: inngest.Inngest, registry: Registry) -> list[inngest.Function[Any]]:
        handlers = ModuleType(HANDLERS_MODULE)
        vars(handlers).update({name: registry[name] for name in registry.names()})
        vars(handlers)["tenants"] = registry.tenants
        host = ModuleType(CLIENT_MODULE)
        vars(host)["client"] = client
        found = []
        with tempfile.TemporaryDirectory() as folder, _modules(handlers, host):
            for number, source in enumerate(sources):
                path = Path(folder) / f"proflow_simulated_workflow_{number}.py"
                path.write_text(source, encoding="utf-8")
                found += _imported(path).FUNCTIONS
        return found

    return make


def _imported(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot import {path}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextmanager
def _modules(*modules: ModuleType) -> Iterator[None]:
    for module in modules:
        sys.modules[module.__name__] = module
    try:
        yield
    finally:
        for module in modules:
            del sys.modules[module.__name__]
