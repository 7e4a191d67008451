"""The node type `foreach`: runs the nodes inside of it once for each item of a list."""

from typing import Any

from pydantic import Field, field_validator

from proflow_schemas.configs import RESERVED, Config, Count, Expression, Name
from proflow_schemas.definition import ForeachOp
from proflow_schemas.node_types.foreign import called
from proflow_schemas.node_types.record import DONE_OR_ERROR, READS_ERROR, NodeType, Words
from proflow_schemas.step_ids import step_id


class Foreach(Config):
    """Runs the nodes inside of it once for each item of a list."""

    items: Expression
    alias: Name | None = Field(
        default=None,
        alias="as",
        description="another name for `item`",
        pattern="^[A-Za-z_][A-Za-z0-9_]*$",
        json_schema_extra={"not": {"enum": list(RESERVED)}},
    )
    max_concurrency: Count | None = None

    @field_validator("alias")
    @classmethod
    def _free(cls, alias: str | None) -> str | None:
        if alias in RESERVED:
            raise ValueError(f"`{alias}` means something else in expressions")
        return alias


def _lower(node: str, config: Foreach) -> ForeachOp:
    return ForeachOp.model_validate(
        {
            "id": step_id(node),
            "node": node,
            "items": config.items,
            "as": config.alias,
            "max_concurrency": config.max_concurrency,
            "steps": [],
        }
    )


def _output(config: Foreach) -> Any:
    return {"type": "array"}


NODE_TYPE = NodeType(
    name="foreach",
    kind="container",
    title=Words("Foreach", "逐项处理"),
    summary=Words(
        "Runs the nodes inside of it once for each item of a list.",
        "对列表中的每一项，运行一次容器内的节点。",
    ),
    category="flow",
    icon="profile",
    order=180,
    aliases=("iteration", "batch"),
    elsewhere=(*("each", "map", "iterator", "iterate", "loopoveritems", "splitinbatches", "循环"),),
    config=Foreach,
    fields={
        "items": Words("an expression that returns the list", "返回列表的表达式"),
        "maxConcurrency": Words(
            "how many items run at once; all if not set", "最多同时处理几项；未设置时全部同时处理"
        ),
        "as": Words("another name for `item`", "`item` 的别名"),
    },
    outcomes=DONE_OR_ERROR,
    readable=READS_ERROR,
    meanings=called("items", "collection", "list", "array", "loopover", "iterator", "source")
    | called("as", "itemvariable", "elementvariable", "itemname", "variable", "itemvar")
    | called("maxConcurrency", "parallelism", "concurrency", "batchsize", "parallelnums"),
    lower=_lower,
    per_item=True,
    output=_output,
    example="""\
{"id": "lines", "type": "foreach", "data": {"items": "event.data.lines", "as": "line", "maxConcurrency": 5}}""",
    notes="""\
The nodes inside have the container's id as their `parentId`. An item begins with the nodes that no edge
leads to. Edges between nodes inside and outside are an error. Expressions inside read `item` (or the name
given by `as`) and `index`, which counts from 0. The results of nodes inside can be read only inside, and
only those of the same item.

The node's `output` is the list of the items' results, in order. The result of an item is the `output` of
the `end` that it reached, else the output of the only node inside that no edge leaves. An `end` inside
ends its path of the item; with `terminate` or `fail` it ends the run. A rejection, a timeout or a return
inside that has no edge ends its item without an output: whatever else is open in that item is abandoned,
and the other items go on.

A run has 999 steps. If the items, with the lists inside of them, certainly need more steps than are left,
or if there are more than 10,000 items, the node fails before the first item, with a message that says so.
If they may need more, but need not, each item begins as soon as the run has enough steps left for it.

If an item fails, no other item is started, the open ones are abandoned, and the `error` edge is taken.
Without that edge, the run fails.
""",
)
