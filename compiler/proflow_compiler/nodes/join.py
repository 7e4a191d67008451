"""Where branches meet."""

from proflow_compiler.nodes.lowering import Lowering, nothing

FIELDS = {
    "mode": "when it runs; see below. Without it, it waits as any node does",
}

LOWERING = Lowering(
    type="join",
    title="Join",
    summary="Waits for the branches that lead to it, and runs once.",
    example='{"id": "join", "type": "join", "data": {"mode": "all"}}',
    lower=nothing,
    fields=FIELDS,
    instant=True,
    notes="""\
| runs | `mode` | is skipped |
|---|---|---|
| when all edges in are taken or skipped, at least one of them taken | none, or `active` | if none was taken |
| when every edge in was taken | `all` | if one was skipped |
| at the one edge that is taken | `one` | if none was taken |
| at the first edge that is taken | `any` | if none was taken |
| at that many taken edges, or, with fewer, when all are taken or skipped | a number | if none was taken |

If a join is skipped, so is what follows it.

`all` and `one` are promises that the compiler proves, or refutes by a run that it prints. With `all`,
a run that takes one edge in takes all of them, unless something stops the run: an `end` with
`terminate`, a failure, a rejection that is not drawn. With `one`, no run takes two.

`any` and numbers go on early and never hang. Branches that arrive later change nothing, but keep the
run open until they are over, unless an `end` with `terminate` stops it.

Name the mode wherever one branch can leave by a rejection, a timeout, an error or a choice while
another one arrives: `all`, if what follows needs every branch, `active`, if the run goes on without
those that have left. Without a mode that is an error.
""",
)
