"""Internal: runs a design on the local engine, and simulates everything outside of the run."""

from proflow_runtime.simulation.functions import (
    CLIENT_MODULE,
    HANDLERS_MODULE,
    MakeFunctions,
    generated_functions,
    interpreted_functions,
)
from proflow_runtime.simulation.outside import Outside, OutsideError, read_outside
from proflow_runtime.simulation.playing import (
    Serving,
    Simulated,
    SimulationError,
    simulate,
    simulated_client,
)
from proflow_runtime.simulation.stand_ins import handlers_named

__all__ = [
    "CLIENT_MODULE",
    "HANDLERS_MODULE",
    "MakeFunctions",
    "Outside",
    "OutsideError",
    "Serving",
    "Simulated",
    "SimulationError",
    "generated_functions",
    "handlers_named",
    "interpreted_functions",
    "read_outside",
    "simulate",
    "simulated_client",
]
