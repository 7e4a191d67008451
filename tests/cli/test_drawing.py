"""`proflow graph`: every design can be drawn, and no text in it becomes anything but text."""

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from cli.conftest import DESIGNS, Proflow
from proflow_compiler.drawing import dot, figure, mermaid, svg
from proflow_compiler.drawing.figure import COLOURS, ERROR, SHOWN
from proflow_compiler.drawing.layout import HEIGHT, layout, text_width
from proflow_compiler.reader import read

SVG = "{http://www.w3.org/2000/svg}"
FIXTURES = sorted(path.parent.name for path in DESIGNS.glob("*/design.json"))
HOSTILE = [
    '"]; click n0 call alert() "',
    "</text><script>alert(1)</script>",
    "]]> & < > ' \" \\",
    "#quot; %% {init}",
    "end",
    "`code` **bold**",
    "a\nb\x00c\u202ed",
    "subgraph x",
    "x" * 5000,
    "审批" * 50,
]


def drawn(nodes: list[dict[str, object]], edges: list[tuple[str, str]]) -> dict[str, str]:
    design = {"nodes": nodes, "edges": [{"source": a, "target": b} for a, b in edges]}
    reading = read(json.dumps(design).encode(), "design.json")
    made = figure(reading.designs[0])
    return {"svg": svg(made), "dot": dot(made), "mermaid": mermaid(made)}


@pytest.mark.parametrize("fixture", FIXTURES)
@pytest.mark.parametrize("format", ["mermaid", "dot", "svg"])
def test_every_fixture_can_be_drawn(fixture: str, format: str) -> None:
    path = DESIGNS / fixture / "design.json"
    for design in read(path.read_bytes(), str(path)).designs:
        made = figure(design)
        text = {"mermaid": mermaid, "dot": dot, "svg": svg}[format](made)
        assert text == {"mermaid": mermaid, "dot": dot, "svg": svg}[format](made)
        if format == "svg":
            root = ElementTree.fromstring(text)
            paths = root.findall(f"./{SVG}g/{SVG}path")
            assert len(paths) == len(made.arrows) >= len(design.edges)
            assert len(root.findall(f"./{SVG}g/{SVG}g")) == len(design.nodes)


@pytest.mark.parametrize("text", HOSTILE)
def test_texts_stay_texts(text: str) -> None:
    nodes: list[dict[str, object]] = [
        {"id": "start", "type": "start", "label": text},
        {"id": "end", "type": "end"},
    ]
    made = drawn(nodes, [("start", "end")])
    root = ElementTree.fromstring(made["svg"])
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        *("svg", "title", "defs", "marker", "path", "rect", "text", "g", "polygon"),
    }
    for line in made["mermaid"].splitlines()[1:]:
        assert re.fullmatch(
            r'  n\d+(\(\["[^"`\[\]<>;%]*(?:#\d+;[^"`\[\]<>;%]*)*"\]\)| --> n\d+)', line
        ), line
    for line in made["dot"].splitlines()[5:-1]:
        outside = re.sub(r'"(?:[^"\\]|\\.)*"', '""', line)
        assert re.fullmatch(r"  n\d+( -> n\d+| \[label=\"\"[ a-z=\"]*\])", outside), line


def test_a_diagram_of_many_nodes_is_drawn_in_time() -> None:
    nodes: list[dict[str, object]] = [{"id": f"n{index}", "type": "set"} for index in range(300)]
    for node in nodes:
        node["config"] = {"values": {"x": "1"}}
    nodes[0] = {"id": "n0", "type": "start"}
    edges = [(f"n{index // 3}", f"n{index}") for index in range(1, 300)]
    root = ElementTree.fromstring(drawn(nodes, edges)["svg"])
    assert len(root.findall(f"./{SVG}g/{SVG}path")) == 299


def test_the_positions_of_the_canvas_are_kept_unless_nodes_would_overlap() -> None:
    def centres(second: float) -> dict[str, tuple[float, float]]:
        design = {
            "nodes": [
                {"id": "a", "type": "start", "position": {"x": 500, "y": 100}, "data": {}},
                {"id": "b", "type": "end", "position": {"x": second, "y": 100}, "data": {}},
            ],
            "edges": [{"source": "a", "target": "b"}],
        }
        made = figure(read(json.dumps(design).encode(), "design.json").designs[0])
        return layout(made, {"a": 80.0, "b": 80.0}).centres

    kept = centres(100)
    assert kept["a"][0] - kept["b"][0] == 400
    layered = centres(510)
    assert layered["b"][0] - layered["a"][0] > 80
    assert layered["a"][1] == layered["b"][1] >= HEIGHT / 2


def test_a_run_colours_the_nodes_by_their_status(
    inside: Proflow, purchase: Path, tmp_path: Path
) -> None:
    data = '{"tenant_id": 1, "amount": 9.5, "order_id": "PO-1", "applicant": "li.na"}'
    ran = inside(
        "run", purchase, "--data", data, "--answer", "manager=approved", "--format", "json"
    )
    (tmp_path / "run.json").write_text(ran.out)
    text = inside("graph", purchase, "--run", "run.json").out
    assert "class n1 completed" in text
    assert text.count(" ==> ") + text.count(" ==>|") == 9
    assert ".->" in text
    root = ElementTree.fromstring(
        inside("graph", purchase, "--format", "svg", "--run", "run.json").out
    )
    groups = root.findall(f"./{SVG}g/{SVG}g")
    colours = {group.findtext(f"{SVG}title"): group[1].get("fill") for group in groups}
    assert colours["manager (approval)"] == COLOURS["completed"][0]
    assert colours["directors (approval)"] == COLOURS["skipped"][0]
    assert (
        COLOURS["completed"][0]
        in inside("graph", purchase, "--format", "dot", "--run", "run.json").out
    )


def test_what_is_no_run_of_the_design_is_refused(
    inside: Proflow, purchase: Path, sample: Path, tmp_path: Path
) -> None:
    cases = {
        "[]": "has no `nodes`",
        "{": "is not JSON",
        '{"nodes": {"start": {"status": "fine"}}}': "none of pending",
        '{"workflow": "sample", "nodes": {}}': "it is a run of `sample`",
    }
    for text, message in cases.items():
        (tmp_path / "run.json").write_text(text)
        done = inside("graph", purchase, "--run", "run.json")
        assert done.code == 2
        assert message in done.err
    assert inside("graph", purchase, "--run", "missing.json").code == 2
    (tmp_path / "run.json").write_text('{"nodes": {"elsewhere": {"status": "failed"}}}')
    done = inside("graph", purchase, "--run", "run.json")
    assert done.code == 0
    assert "the run has a node `elsewhere`" in done.err


def test_a_broken_design_is_not_drawn(inside: Proflow, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text('{"nodes": [{"id": "a", "type": "aprove"}], "edges": []}')
    done = inside("graph", "bad.json")
    assert (done.code, done.out) == (1, "")
    assert "PF102" in done.err


def test_a_design_whose_checks_fail_can_still_be_drawn(inside: Proflow, tmp_path: Path) -> None:
    nodes = [{"id": "a", "type": "start"}, {"id": "b", "type": "set", "config": {"values": {}}}]
    edges = [{"source": "a", "target": "b"}, {"source": "b", "target": "b"}]
    (tmp_path / "cycle.json").write_text(json.dumps({"nodes": nodes, "edges": edges}))
    for format in ("mermaid", "dot", "svg"):
        assert inside("graph", "cycle.json", "--format", format).code == 0


def test_one_of_several_rows_is_chosen_by_its_code(inside: Proflow) -> None:
    path = DESIGNS / "riveredge-export" / "design.json"
    several = inside("graph", path)
    assert several.code == 2
    assert f"{path}#" in several.err
    chosen = re.findall(r"design\.json#([^`]+)`", several.err)[0]
    assert inside("graph", f"{path}#{chosen}").code == 0


ORDER: dict[str, Any] = {
    "id": "order",
    "name": "订单审批",
    "nodes": [
        {"id": "start", "type": "start"},
        {"id": "draft", "type": "task", "label": "起草", "data": {"handler": "draft"}},
        {"id": "boss", "type": "approval", "label": "经理"},
        {"id": "each", "type": "foreach", "label": "逐行", "data": {"items": "event.data.lines"}},
        {"id": "pick", "type": "task", "parentId": "each", "data": {"handler": "pick"}},
        {"id": "poll", "type": "loop", "parentId": "each", "data": {"maxIterations": 2}},
        {"id": "nap", "type": "delay", "parentId": "poll", "data": {"duration": "1h"}},
        {"id": "hand", "type": "task", "data": {"handler": "hand"}},
        {"id": "end", "type": "end"},
    ],
    "edges": [
        {"source": "start", "target": "draft"},
        {"source": "draft", "target": "boss"},
        {"source": "boss", "target": "draft", "sourceHandle": "returned", "data": {"loop": {"max": 3}}},
        {"source": "boss", "target": "each", "sourceHandle": "approved"},
        {"source": "pick", "target": "poll"},
        {"source": "each", "target": "end"},
        {"source": "each", "target": "hand", "sourceHandle": "error"},
        {"source": "hand", "target": "end"},
    ],
}  # fmt: skip


def test_containers_are_drawn_around_what_they_hold(inside: Proflow, tmp_path: Path) -> None:
    (tmp_path / "order.json").write_text(json.dumps(ORDER))
    root = ElementTree.fromstring(inside("graph", "order.json", "--format", "svg").out)
    boxes = {
        group.findtext(f"{SVG}title"): [float(group[1].get(key, "0")) for key in BOX]
        for group in root.findall(f"./{SVG}g/{SVG}g")
        if group[1].get("width") is not None
    }
    for outer, inner in (("each", "pick"), ("each", "poll"), ("poll", "nap")):
        (x, y, width, height), (left, top, wide, high) = (
            next(box for title, box in boxes.items() if title and title.startswith(f"{name} "))
            for name in (outer, inner)
        )
        assert x < left
        assert y < top
        assert left + wide < x + width
        assert top + high < y + height
    text = inside("graph", "order.json", "--format", "mermaid").out.splitlines()
    assert text.count("  end") == 2
    assert text.index('  subgraph n3["逐行"]') < text.index('  n4["pick"]') < text.index("  end")
    clusters = inside("graph", "order.json", "--format", "dot").out
    assert "subgraph cluster_n5 {" in clusters
    assert 'n2 -> n3 [label="approved" lhead=cluster_n3]' in clusters


BOX = ("x", "y", "width", "height")


def test_ways_back_and_errors_look_different(inside: Proflow, tmp_path: Path) -> None:
    (tmp_path / "order.json").write_text(json.dumps(ORDER))
    root = ElementTree.fromstring(inside("graph", "order.json", "--format", "svg").out)
    paths = root.findall(f"./{SVG}g/{SVG}path")
    dashed = [path.get("stroke-dasharray") is not None for path in paths]
    assert dashed == [edge["target"] == "draft" and "data" in edge for edge in ORDER["edges"]]
    assert [path.get("stroke") for path in paths].index(ERROR) == 6
    assert "returned ≤ 3×" in {text.text for text in root.iter(f"{SVG}text")}
    assert 'n2 -.->|"returned #8804; 3#215;"| n1' in inside("graph", "order.json").out
    assert (
        'label="returned ≤ 3×" style=dashed' in inside("graph", "order.json", "--format", "dot").out
    )


def test_a_rejection_that_leads_back_is_drawn_as_an_edge(inside: Proflow) -> None:
    design = DESIGNS / "reject-to" / "design.json"
    assert re.search(r"-\.->\|\"rejected #8804; \d+#215;\"\|", inside("graph", design).out)


COUNTERSIGN: dict[str, Any] = {
    "nodes": [
        {"id": "start", "type": "start"},
        {"id": "draft", "type": "task", "data": {"handler": "draft"}},
        {"id": "legal", "type": "approval"},
        {"id": "finance", "type": "approval"},
        {"id": "both", "type": "join", "data": {"mode": "all"}},
        {"id": "plain", "type": "join"},
        {"id": "refused", "type": "end", "data": {"status": "rejected", "terminate": True}},
        {"id": "late", "type": "end", "data": {"fail": True}},
        {"id": "end", "type": "end"},
    ],
    "edges": [
        {"source": "start", "target": "draft"},
        {"source": "draft", "target": "legal"},
        {"source": "draft", "target": "finance"},
        {"source": "legal", "target": "both"},
        {"source": "finance", "target": "both"},
        {"source": "both", "target": "plain"},
        {"source": "plain", "target": "end"},
        {"source": "legal", "target": "draft", "sourceHandle": "returned"},
        {"source": "finance", "target": "draft", "sourceHandle": "returned"},
        {"source": "legal", "target": "refused", "sourceHandle": "rejected"},
        {"source": "finance", "target": "refused", "sourceHandle": "rejected"},
        {"source": "legal", "target": "late", "sourceHandle": "timeout"},
    ],
}


def test_inferred_back_edges_are_drawn_as_such_with_the_usual_bound(
    inside: Proflow, tmp_path: Path
) -> None:
    (tmp_path / "sign.json").write_text(json.dumps(COUNTERSIGN))
    text = inside("graph", "sign.json").out
    assert 'n2 -.->|"returned #8804; 10#215;"| n1' in text
    assert 'n3 -.->|"returned #8804; 10#215;"| n1' in text
    dotted = inside("graph", "sign.json", "--format", "dot").out
    assert dotted.count('label="returned ≤ 10×" style=dashed constraint=false') == 2
    root = ElementTree.fromstring(inside("graph", "sign.json", "--format", "svg").out)
    paths = root.findall(f"./{SVG}g/{SVG}path")
    dashed = [path.get("stroke-dasharray") is not None for path in paths]
    assert dashed == [edge.get("sourceHandle") == "returned" for edge in COUNTERSIGN["edges"]]


def test_modes_of_joins_and_ends_that_stop_the_run_are_shown(
    inside: Proflow, tmp_path: Path
) -> None:
    (tmp_path / "sign.json").write_text(json.dumps(COUNTERSIGN))
    text = inside("graph", "sign.json").out
    for line in (
        'n4[["both<br/>mode all"]]',
        'n5[["plain"]]',
        'n6((("refused<br/>stops the run")))',
        'n7((("late<br/>fails the run")))',
        'n8(["end"])',
    ):
        assert f"  {line}\n" in text
    dotted = inside("graph", "sign.json", "--format", "dot").out.splitlines()
    stopping = [line.split()[0] for line in dotted if "peripheries=2" in line]
    assert stopping == ["n6", "n7"]
    root = ElementTree.fromstring(inside("graph", "sign.json", "--format", "svg").out)
    outlines = {
        group.findtext(f"{SVG}title"): len(group.findall(f"{SVG}rect"))
        for group in root.findall(f"./{SVG}g/{SVG}g")
    }
    assert [title for title, count in outlines.items() if count == 2] == [
        "refused (end)",
        "late (end)",
    ]


def test_the_mode_of_a_join_stays_beside_its_status(inside: Proflow, tmp_path: Path) -> None:
    (tmp_path / "sign.json").write_text(json.dumps(COUNTERSIGN))
    states = {"both": {"status": "completed", "outcome": "default"}, "end": {"status": "pending"}}
    (tmp_path / "run.json").write_text(json.dumps({"nodes": states}))
    text = inside("graph", "sign.json", "--run", "run.json").out
    assert 'n4[["both<br/>mode all #183; completed"]]' in text


def test_labels_of_edges_do_not_cover_each_other(inside: Proflow, tmp_path: Path) -> None:
    (tmp_path / "sign.json").write_text(json.dumps(COUNTERSIGN))
    root = ElementTree.fromstring(inside("graph", "sign.json", "--format", "svg").out)
    labels = [text for text in root.iter(f"{SVG}text") if text.get("font-size") == "11"]
    boxes = []
    for label in labels:
        if label.get("paint-order") is not None:
            x, half = float(label.get("x", "")), text_width(label.text or "", 11) / 2
            boxes.append((x - half, x + half, float(label.get("y", ""))))
    assert len(boxes) == 5
    for one, other in combinations(boxes, 2):
        beside = one[1] <= other[0] + 0.1 or other[1] <= one[0] + 0.1
        assert beside or abs(one[2] - other[2]) >= 12.9


@pytest.mark.parametrize("format", ["mermaid", "dot", "svg"])
def test_the_path_that_refutes_a_design_is_highlighted(
    inside: Proflow, tmp_path: Path, format: str
) -> None:
    nodes = [
        {"id": "start", "type": "start"},
        {"id": "amount", "type": "condition"},
        {"id": "legal", "type": "task", "data": {"handler": "legal"}},
        {"id": "finance", "type": "task", "data": {"handler": "finance"}},
        {"id": "sign", "type": "join", "data": {"mode": "all"}},
        {"id": "end", "type": "end"},
    ]
    edges = [
        {"source": "start", "target": "amount"},
        {"source": "amount", "target": "finance", "data": {"when": "event.data.amount < 5"}},
        {"source": "amount", "target": "legal", "data": {"default": True}},
        {"source": "legal", "target": "sign"},
        {"source": "finance", "target": "sign"},
        {"source": "sign", "target": "end"},
    ]
    (tmp_path / "bad.json").write_text(json.dumps({"nodes": nodes, "edges": edges}))
    checked = inside("check", "bad.json", "--format", "json").json["files"][0]["diagnostics"]
    path = next(one["path"] for one in checked if one["level"] == "error" and one["path"])
    done = inside("graph", "bad.json", "--format", format)
    assert done.code == 0
    assert "PF210" in done.err
    assert "the path is highlighted" in done.err
    drawn = sum(SHOWN in line for line in done.out.splitlines())
    # Of SVG, the head of such arrows is defined always.
    assert drawn == len(path) + len(path) - 1 + (format == "svg")


def test_the_outcomes_of_an_inclusive_are_all_shown(inside: Proflow, tmp_path: Path) -> None:
    nodes = [
        {"id": "start", "type": "start"},
        {"id": "tell", "type": "inclusive"},
        *({"id": name, "type": "set", "data": {"values": {"x": "1"}}} for name in "abc"),
        {"id": "end", "type": "end"},
    ]
    edges = [
        {"source": "start", "target": "tell"},
        *(
            {"source": "tell", "target": name, "data": {"when": f"event.data.{name}"}}
            for name in "abc"
        ),
        *({"source": name, "target": "end"} for name in "abc"),
    ]
    (tmp_path / "tell.json").write_text(json.dumps({"nodes": nodes, "edges": edges}))
    data = '{"tenant_id": 1, "a": true, "b": false, "c": true}'
    ran = inside("run", "tell.json", "--data", data, "--format", "json")
    assert ran.json["nodes"]["tell"]["outcome"] == ["a", "c"]
    (tmp_path / "run.json").write_text(ran.out)
    text = inside("graph", "tell.json", "--run", "run.json").out
    assert "completed#58; a, c" in text
    assert text.count("==>") == 5
