"""Internal: the definition, which is a design compiled to a structured program.

- `document`: the definition as a whole, its canonical JSON and digest
- `ops`: the instructions of which a program consists
- `approvals`: the policy of an approval
- `settings`: triggers, and the settings of the Inngest function
- `canvas`: the drawing, as far as node states are computed from it
- `blocks`: walks through a program
- `formats`: the format of definitions
- `model`: the base class of all models, and shared field types

Strings inside a `Value` are templates: `${…}` holds an expression.
"""

from proflow_schemas.definition.approvals import (
    ApprovalMode,
    ApprovalPolicy,
    Reminders,
    RequestedPolicy,
    TimeoutAction,
)
from proflow_schemas.definition.blocks import blocks, blocks_of, walk, with_blocks
from proflow_schemas.definition.canvas import Canvas, CanvasEdge, CanvasNode
from proflow_schemas.definition.document import Definition, Part, Starters, canonical_json
from proflow_schemas.definition.formats import FORMAT, UnknownFormatError, is_older
from proflow_schemas.definition.model import Model, Needs, Seconds, Value
from proflow_schemas.definition.ops import (
    AgainOp,
    AnyOp,
    Approval,
    ApprovalOp,
    Arm,
    BranchOp,
    CallOp,
    Case,
    ChooseOp,
    Dependency,
    EndOp,
    ForeachOp,
    InnerList,
    InvokeOp,
    LeaveOp,
    LoopOp,
    Op,
    ParallelOp,
    PartOp,
    RegionOp,
    RegionTask,
    RepeatOp,
    RetryPolicy,
    Rule,
    SendOp,
    SetOp,
    SleepOp,
    StopOp,
    TaskOp,
    WaitOp,
)
from proflow_schemas.definition.settings import (
    MAX_CANCELLATIONS,
    Cancellation,
    Concurrency,
    CronTrigger,
    EventTrigger,
    FunctionSettings,
    Throttle,
    Timeouts,
)

__all__ = [
    "FORMAT",
    "MAX_CANCELLATIONS",
    "AgainOp",
    "AnyOp",
    "Approval",
    "ApprovalMode",
    "ApprovalOp",
    "ApprovalPolicy",
    "Arm",
    "BranchOp",
    "CallOp",
    "Cancellation",
    "Canvas",
    "CanvasEdge",
    "CanvasNode",
    "Case",
    "ChooseOp",
    "Concurrency",
    "CronTrigger",
    "Definition",
    "Dependency",
    "EndOp",
    "EventTrigger",
    "ForeachOp",
    "FunctionSettings",
    "InnerList",
    "InvokeOp",
    "LeaveOp",
    "LoopOp",
    "Model",
    "Needs",
    "Op",
    "ParallelOp",
    "Part",
    "PartOp",
    "RegionOp",
    "RegionTask",
    "Reminders",
    "RepeatOp",
    "RequestedPolicy",
    "RetryPolicy",
    "Rule",
    "Seconds",
    "SendOp",
    "SetOp",
    "SleepOp",
    "Starters",
    "StopOp",
    "TaskOp",
    "Throttle",
    "TimeoutAction",
    "Timeouts",
    "UnknownFormatError",
    "Value",
    "WaitOp",
    "blocks",
    "blocks_of",
    "canonical_json",
    "is_older",
    "walk",
    "with_blocks",
]
