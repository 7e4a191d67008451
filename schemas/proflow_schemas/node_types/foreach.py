"""Running the nodes inside for each item of a list."""

from typing import Any

from pydantic import Field, field_validator

from proflow_schemas.configs import RESERVED, Config, Count, Expression, Name
from proflow_schemas.definition import ForeachOp
from proflow_schemas.node_types.foreign import called
from proflow_schemas.node_types.record import DONE_OR_ERROR, READS_ERROR, NodeType, Words
from proflow_schemas.step_ids import step_id


class Foreach(Config):
    """Runs the nodes in it once for each item of a list."""

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
        "Runs the nodes in it once for each item of a list.", "对列表的每一项运行一次内部节点。"
    ),
    category="flow",
    icon="profile",
    order=180,
    aliases=("iteration", "batch"),
    elsewhere=(*("each", "map", "iterator", "iterate", "loopoveritems", "splitinbatches", "循环"),),
    config=Foreach,
    fields={
        "items": Words("the expression of the list", "得出列表的表达式"),
        "maxConcurrency": Words(
            "how many items at once; all of them without it", "同时处理几项；未设置时全部同时处理"
        ),
        "as": Words("another name for `item`", "`item` 的另一个名称"),
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
The nodes in it have its id as their `parentId`. Those to which no edge leads begin an item; edges
across the border are an error. Expressions inside read `item` (or the name given by `as`) and
`index`, which counts from 0; nodes inside can be read only there, each of the same item.

The node's `output` is the list of the items' results, in order: the `output` of the `end` that an
item came to, else the output of the only node inside that no edge leaves. An `end` inside ends its
path of the item; with `terminate` or `fail` it ends the run. A rejection, a timeout or a return
inside that is not drawn ends its item, without an output: what else is open in that item is left, and
the other items go on.

A list is refused before its first item if its items surely take more steps than are left of the 999 of
a run, with the lists in them, or if there are more than 10,000; the node fails, and says so. Where items
may take more steps than that, but need not, each begins once the run has room for all that it may take.

If an item fails, no other is started, those that are open are given up, and the `error` edge is
taken; without one, the run fails.
""",
)
