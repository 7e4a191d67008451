"""The rules that the reader checks; here are their codes and the texts of their doc pages."""

from proflow_compiler.diagnostics import Level
from proflow_compiler.rules.rule import Rule

_SMALLEST = """
{
  "nodes": [{"id": "begin", "type": "start"}, {"id": "done", "type": "end"}],
  "edges": [{"source": "begin", "target": "done"}]
}
"""

READING_RULES: tuple[Rule, ...] = (
    Rule(
        code="PF001",
        name="invalid-json",
        level=Level.ERROR,
        summary="a file that is no JSON",
        why="A design is JSON. The message points at the first character that cannot stand there.",
        incorrect="""
{
  "nodes": [{"id": "begin", "type": "start"}, {"id": "done", "type": "end"},],
  "edges": []
}
""",
        correct=_SMALLEST,
        fix="""
Export the drawing again, or correct the place: JSON has no comments, no comma after the last item,
and only double quotes.
""",
    ),
    Rule(
        code="PF002",
        name="not-utf8",
        level=Level.ERROR,
        summary="a file that is not encoded in UTF-8",
        why="""
JSON is exchanged in UTF-8. Read in any other encoding, labels would be garbled without notice.
""",
        incorrect="A file saved as GBK or UTF-16.",
        correct="The same file saved as UTF-8, with or without a byte order mark.",
        fix="Save the file as UTF-8.",
    ),
    Rule(
        code="PF003",
        name="unknown-format",
        level=Level.ERROR,
        summary="a file that is no ProFlow design, and names the tool it comes from if it knows it",
        why="""
A file of another tool is never half read: what looks alike means something else there. A design has
`nodes` and `edges`, or is one of the other shapes that ProFlow and React Flow export.
""",
        incorrect="""
{"StartAt": "pay", "States": {"pay": {"Type": "Task", "Resource": "arn:aws:lambda", "End": true}}}
""",
        correct=_SMALLEST,
        fix="Export the drawing from ProFlow: an object with `nodes` and `edges`.",
    ),
    Rule(
        code="PF004",
        name="duplicate-key",
        level=Level.ERROR,
        summary="a key that stands twice in one object",
        why="""
JSON readers silently keep the last of the two. Which one was meant cannot be known.
""",
        incorrect="""
{
  "name": "Purchase", "name": "Travel",
  "nodes": [{"id": "begin", "type": "start"}, {"id": "done", "type": "end"}],
  "edges": [{"source": "begin", "target": "done"}]
}
""",
        correct="""
{
  "name": "Travel",
  "nodes": [{"id": "begin", "type": "start"}, {"id": "done", "type": "end"}],
  "edges": [{"source": "begin", "target": "done"}]
}
""",
        fix="Remove one of the two.",
    ),
    Rule(
        code="PF005",
        name="unreadable-file",
        level=Level.ERROR,
        summary="a file that does not exist, may not be read, or is too large",
        why="Without its text there is nothing to say about a design.",
        incorrect="`proflow check desgins/contract.json`, where the folder is called `designs`.",
        correct="`proflow check designs/contract.json`",
        fix="Correct the path, or the permissions of the file.",
    ),
    Rule(
        code="PF006",
        name="unknown-selection",
        level=Level.ERROR,
        summary="a `#code` behind the path that names no design of the file",
        why="""
`PATH#code` selects one row of an exported list of approval processes by its `code`.
""",
        incorrect="`proflow check export.json#purchase`, where the row is called `purchase_order`.",
        correct="`proflow check export.json#purchase_order`",
        fix="Write the `code` of a row, or leave `#…` out to take them all.",
    ),
    Rule(
        code="PF101",
        name="schema-violation",
        level=Level.ERROR,
        fixable=True,
        summary="a value that a design cannot have there: wrong type, unknown key, out of range",
        why="""
An unknown key is usually a misspelt one, and what it should say would be ignored in silence. The
published JSON Schema of a design lists what each node type takes: `proflow schema`.
""",
        incorrect="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "boss", "type": "approval", "config": {"approvalMode": "both"}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "boss"},
    {"source": "boss", "target": "done"}
  ]
}
""",
        correct="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "boss", "type": "approval", "config": {"approvalMode": "all"}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "boss"},
    {"source": "boss", "target": "done"}
  ]
}
""",
        fix="The message says what is expected there; the doc page of the node type has the rest.",
    ),
    Rule(
        code="PF102",
        name="unknown-node-type",
        level=Level.ERROR,
        fixable=True,
        summary="a node whose type does not exist",
        why="""
The type says what a node does. It is read from `type`, else from `data.type`, else from `data.name`,
as a canvas may use `type` for the way a node looks.
""",
        incorrect="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "boss", "type": "aproval"},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "boss"},
    {"source": "boss", "target": "done"}
  ]
}
""",
        correct="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "boss", "type": "approval"},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "boss"},
    {"source": "boss", "target": "done"}
  ]
}
""",
        fix="Use one of the node types or their aliases; a step of your own is a `task`.",
    ),
    Rule(
        code="PF103",
        name="duplicate-node-id",
        level=Level.ERROR,
        fixable=True,
        summary="a node with the id of another one",
        why="""
Edges name nodes by their ids, and steps are remembered by them: two nodes with one id would be one
step, and the second would never run.
""",
        incorrect="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "mail", "type": "task", "data": {"handler": "mail_boss"}},
    {"id": "mail", "type": "task", "data": {"handler": "mail_team"}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "mail"},
    {"source": "mail", "target": "done"}
  ]
}
""",
        correct="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "mail", "type": "task", "data": {"handler": "mail_boss"}},
    {"id": "mail-team", "type": "task", "data": {"handler": "mail_team"}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "mail"},
    {"source": "mail", "target": "mail-team"},
    {"source": "mail-team", "target": "done"}
  ]
}
""",
        fix="Give one of them another id, and lead its edges there.",
    ),
    Rule(
        code="PF104",
        name="dangling-edge",
        level=Level.ERROR,
        fixable=True,
        summary="an edge whose source or target does not exist",
        why="Usually the node was deleted or renamed and the edge stayed behind.",
        incorrect="""
{
  "nodes": [{"id": "begin", "type": "start"}, {"id": "done", "type": "end"}],
  "edges": [{"source": "begin", "target": "doen"}]
}
""",
        correct=_SMALLEST,
        fix="Lead the edge to a node that exists, or remove it.",
    ),
    Rule(
        code="PF105",
        name="duplicate-edge",
        level=Level.ERROR,
        fixable=True,
        summary="an edge with the same ends, handle and rule as another one",
        why="""
A node waits for each edge into it. An edge drawn twice by accident changes how often a join counts
the branch.
""",
        incorrect="""
{
  "nodes": [{"id": "begin", "type": "start"}, {"id": "done", "type": "end"}],
  "edges": [
    {"source": "begin", "target": "done"},
    {"source": "begin", "target": "done"}
  ]
}
""",
        correct=_SMALLEST,
        fix="Remove one of the two.",
    ),
    Rule(
        code="PF106",
        name="unknown-handle",
        level=Level.ERROR,
        fixable=True,
        summary="""an edge that leaves by an outcome which its node does not have, and one that leaves
an `end` or leads into a `start`""",
        why="""
`sourceHandle` names the outcome that the edge follows: an approval has `approved`, `rejected`,
`timeout` and `returned`, a wait has `received` and `timeout`. An edge from any other would never be
taken. Where a node has one outcome only, or one besides `error`, any handle means that one, unless
it seems to be meant for `error`: `onError`, `failed`.
""",
        incorrect="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "boss", "type": "approval"},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "boss"},
    {"source": "boss", "target": "done", "sourceHandle": "approve"}
  ]
}
""",
        correct="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "boss", "type": "approval"},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "boss"},
    {"source": "boss", "target": "done", "sourceHandle": "approved"}
  ]
}
""",
        fix="Use one of the outcomes of the node; the handle may be left out for the first.",
    ),
    Rule(
        code="PF107",
        name="ignored-element",
        level=Level.INFO,
        summary="""what is drawn and does not run: a note, a group without meaning, an edge tied to
one; in an approval process also an edge that does not count (a warning)""",
        why="Nothing that is drawn is left out in silence.",
        incorrect="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "hint", "type": "note", "data": {"label": "Ask Li first"}},
    {"id": "done", "type": "end"}
  ],
  "edges": [{"source": "begin", "target": "done"}]
}
""",
        correct=_SMALLEST,
        fix="Nothing has to be done, unless the element was meant to run.",
    ),
    Rule(
        code="PF108",
        name="ambiguous-rules",
        level=Level.ERROR,
        fixable=True,
        summary="two rules for one outcome, and two edges without a rule among ruled ones",
        why="""
Edges with the same handle are one outcome with one rule, and the one edge without a rule is what is
taken when none holds. Two of either leave open which of them counts.
""",
        incorrect="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "amount", "type": "condition"},
    {"id": "large", "type": "end", "data": {"status": "large"}},
    {"id": "small", "type": "end"},
    {"id": "other", "type": "end", "data": {"status": "other"}}
  ],
  "edges": [
    {"source": "begin", "target": "amount"},
    {"source": "amount", "target": "large", "data": {"when": "event.data.amount > 100"}},
    {"source": "amount", "target": "small"},
    {"source": "amount", "target": "other"}
  ]
}
""",
        correct="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "amount", "type": "condition"},
    {"id": "large", "type": "end", "data": {"status": "large"}},
    {"id": "small", "type": "end"},
    {"id": "other", "type": "end", "data": {"status": "other"}}
  ],
  "edges": [
    {"source": "begin", "target": "amount"},
    {"source": "amount", "target": "large", "data": {"when": "event.data.amount > 100"}},
    {"source": "amount", "target": "small", "data": {"when": "event.data.amount > 0"}},
    {"source": "amount", "target": "other"}
  ]
}
""",
        fix="Give every edge but one a rule of its own: `data.when` or `data.condition`.",
    ),
    Rule(
        code="PF110",
        name="duplicate-design",
        level=Level.ERROR,
        summary="two designs of one file with the same name",
        why="The second would overwrite what the first is compiled to.",
        incorrect="A list of two rows of one tenant that both have the `code` `purchase_order`.",
        correct="A list of rows whose codes differ.",
        fix="Rename one of them, or export them apart.",
    ),
    Rule(
        code="PF111",
        name="dialect",
        level=Level.INFO,
        summary="that a file is read as another product's approval process, and by which mark",
        why="""
There a node without a way on ends the run, the conditions stand on the node, and a timeout only
reminds. Who meant an ordinary design should know.
""",
        incorrect="A design with a field such as `condition_list` that only that product writes.",
        correct="The same design without that field.",
        fix="Nothing has to be done, unless an ordinary design was meant: then remove the field.",
    ),
    Rule(
        code="PF112",
        name="container-border",
        level=Level.ERROR,
        fixable=True,
        summary="an edge over the border of a container, a start in one, or a node drawn in itself",
        why="""
The nodes in a container run once for each item, or once for each round. An edge over its border
would be taken several times by one run, or lead into the middle of an item. Of a node that is drawn, by its
`parentId`, in what does not exist, or in itself by way of others, nobody knows where it runs.
""",
        incorrect="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "each", "type": "foreach", "data": {"items": "event.data.lines"}},
    {"id": "book", "type": "task", "parentId": "each", "data": {"handler": "book"}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "each"},
    {"source": "book", "target": "done"}
  ]
}
""",
        correct="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "each", "type": "foreach", "data": {"items": "event.data.lines"}},
    {"id": "book", "type": "task", "parentId": "each", "data": {"handler": "book"}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "each"},
    {"source": "each", "target": "done"}
  ]
}
""",
        fix="""
Draw the edge from or to the container itself. Nodes in it that no other leads to begin an item.
""",
    ),
    Rule(
        code="PF320",
        name="unread-key",
        level=Level.WARNING,
        fixable=True,
        summary="""a key of a node, of an edge, of their `data` or of the design that nothing reads, with
what seems to be meant by it""",
        why="""
What nothing reads is kept in the file and does nothing: `approverRole` asks no role, `sla_hours` sets
no timeout. Usually another product calls a setting so, or it stands in the wrong place. Positions,
styles and whatever else canvases write there are known, and nothing is said of them; nor of keys that
begin with `x-` or `_`, and of those that hold nothing. A key that is a setting with a typing error is
an error: [schema-violation](schema-violation.md).
""",
        incorrect="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "legal", "type": "approval", "data": {"approverRole": "legal", "sla_hours": 48}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "legal"},
    {"source": "legal", "target": "done"}
  ]
}
""",
        correct="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "legal", "type": "approval",
     "data": {"approverType": "role", "approverIds": ["legal"], "timeout": "48h"}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "legal"},
    {"source": "legal", "target": "done"}
  ]
}
""",
        fix="""
Write the setting that is meant; the fixes that carry a value over are not safe, since runs then do
what the key says. A key that only the host needs may begin with `x-`.
""",
    ),
)
