"""Files of other tools are refused by name, and nothing of ours is taken for one."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proflow_compiler.reader import formats, read

EDGE = {"source": "a", "target": "b"}
STEP = {"id": "a", "value": {"type": "rawscript", "content": "x", "language": "bun"}}
PIECE = {
    "name": "trigger",
    "type": "PIECE_TRIGGER",
    "settings": {"pieceName": "@activepieces/piece-webhook", "triggerName": "catch_webhook"},
}
LOGIC = {
    "$schema": "https://schema.management.azure.com/…/2016-06-01/workflowdefinition.json#",
    "triggers": {"manual": {"type": "Request"}},
    "actions": {"send": {"type": "OpenApiConnection", "runAfter": {}}},
}

FILES: dict[str, tuple[str, Any]] = {
    "coze": (
        "a Coze canvas",
        {
            "nodes": [
                {
                    "id": "100001",
                    "type": "1",
                    "meta": {"position": {"x": 0, "y": 0}},
                    "data": {
                        "nodeMeta": {"title": "开始"},
                        "outputs": [],
                        "trigger_parameters": [],
                    },
                },
                {"id": "900001", "type": "2", "data": {"nodeMeta": {"title": "结束"}}},
            ],
            "edges": [
                {"sourceNodeID": "100001", "targetNodeID": "900001", "sourcePortID": ""},
            ],
            "versions": {"loop": "v2"},
        },
    ),
    "coze, nodes alone": (
        "a Coze canvas",
        {"nodes": [{"id": "1", "type": "3", "data": {"nodeMeta": {"title": "LLM"}}}], "edges": []},
    ),
    "coze, as text in a row": (
        "a Coze canvas",
        {
            "name": "x",
            "canvas": json.dumps(
                {
                    "nodes": [{"id": "1", "type": "1", "data": {}}],
                    "edges": [{"sourceNodeID": "1", "targetNodeID": "2"}],
                }
            ),
        },
    ),
    "coze clipboard": (
        "a Coze canvas",
        {"type": "coze-workflow-clipboard-data", "json": {"nodes": [], "edges": []}},
    ),
    "flowgram": (
        "a FlowGram canvas",
        {
            "nodes": [{"id": "start_0", "type": "start", "meta": {"position": {"x": 1, "y": 2}}}],
            "edges": [{"sourceNodeID": "start_0", "targetNodeID": "llm_0", "sourcePortID": "if"}],
        },
    ),
    "fastgpt": (
        "FastGPT",
        {
            "nodes": [{"nodeId": "448745", "flowNodeType": "workflowStart", "inputs": []}],
            "edges": [EDGE],
            "chatConfig": {},
        },
    ),
    "g6 4": (
        "a G6 graph",
        {
            "nodes": [{"id": "a", "type": "rect", "x": 1, "y": 2, "label": "a"}],
            "edges": [{**EDGE, "type": "polyline"}],
        },
    ),
    "g6 5": (
        "a G6 graph",
        {
            "nodes": [{"id": "a", "type": "circle", "style": {"x": 1, "y": 2}, "data": {"v": 1}}],
            "edges": [EDGE],
        },
    ),
    "g6 with combos": (
        "a G6 graph",
        {"nodes": [{"id": "a", "comboId": "c"}], "edges": [], "combos": [{"id": "c"}]},
    ),
    "x6": (
        "AntV X6 (`cells`)",
        {"cells": [{"id": "a", "shape": "rect"}, {"shape": "edge", "source": {"cell": "a"}}]},
    ),
    "x6, nodes and edges": (
        "AntV X6",
        {
            "nodes": [{"id": "a", "shape": "rect", "x": 1, "y": 2}],
            "edges": [{"shape": "edge", "source": {"cell": "a", "port": "p"}, "target": "b"}],
        },
    ),
    "jointjs": ("JointJS (`cells`)", {"cells": [{"type": "standard.Rectangle", "id": "a"}]}),
    "logicflow": (
        "LogicFlow",
        {
            "nodes": [{"id": "1", "type": "rect", "x": 1, "y": 1, "properties": {}}],
            "edges": [{"type": "polyline", "sourceNodeId": "1", "targetNodeId": "2"}],
        },
    ),
    "cytoscape": (
        "a Cytoscape graph",
        {"elements": {"nodes": [{"data": {"id": "a"}}], "edges": []}},
    ),
    "cytoscape, a list": (
        "a Cytoscape graph",
        {"elements": [{"data": {"id": "a"}}, {"data": {"source": "a", "target": "a"}}]},
    ),
    "gojs": ("a GoJS model", {"class": "GraphLinksModel", "nodeDataArray": [{"key": 1}]}),
    "obsidian": (
        "an Obsidian canvas (JSON Canvas)",
        {
            "nodes": [{"id": "a", "type": "text", "x": 0, "y": 0, "text": "x"}],
            "edges": [{"id": "e", "fromNode": "a", "toNode": "a"}],
        },
    ),
    "excalidraw": ("an Excalidraw drawing", {"type": "excalidraw", "elements": [{"id": "a"}]}),
    "blockly": ("a Blockly program", {"blocks": {"languageVersion": 0, "blocks": []}}),
    "flowable": (
        "a Flowable or Activiti model (`childShapes`)",
        {
            "resourceId": "canvas",
            "stencil": {"id": "BPMNDiagram"},
            "childShapes": [{"resourceId": "a", "stencil": {"id": "UserTask"}}],
        },
    ),
    "warm-flow": (
        "a Warm-Flow definition",
        {
            "flowCode": "leave",
            "nodeList": [{"nodeType": 1, "nodeCode": "a", "skipList": [{"skipType": "PASS"}]}],
        },
    ),
    "dolphinscheduler": (
        "a DolphinScheduler workflow",
        [{"processDefinition": {}, "processTaskRelationList": [], "taskDefinitionList": []}],
    ),
    "camunda form": ("a Camunda form", {"components": [], "schemaVersion": 9, "type": "default"}),
    "bpmn moddle": ("BPMN", {"$type": "bpmn:Definitions", "rootElements": []}),
    "activepieces": ("an Activepieces flow", {"displayName": "x", "trigger": PIECE}),
    "activepieces template": (
        "an Activepieces flow",
        {"name": "x", "template": {"trigger": PIECE}},
    ),
    "activepieces flows": ("an Activepieces flow", {"flows": [{"trigger": PIECE}]}),
    "windmill": ("a Windmill flow", {"summary": "x", "value": {"modules": [STEP]}, "schema": {}}),
    "windmill, the value": ("a Windmill flow", {"modules": [STEP]}),
    "make": ("a Make scenario", {"name": "x", "flow": [{"id": 1}], "metadata": {"version": 1}}),
    "logic apps": ("Azure Logic Apps", {"definition": LOGIC}),
    "power automate": (
        "Power Automate",
        {"properties": {"definition": LOGIC, "connectionReferences": {}}},
    ),
    "zapier": ("Zapier", {"metadata": {"version": "1.0"}, "zaps": [{"id": 1, "nodes": {}}]}),
    "budibase": (
        "a Budibase automation",
        {"definition": {"trigger": {"stepId": "APP"}, "steps": [{"stepId": "LOOP"}]}},
    ),
    "airflow": ("an Airflow DAG", {"__version": 1, "dag": {"_dag_id": "x", "tasks": []}}),
    "kestra": ("a Kestra flow", {"id": "x", "namespace": "a.b", "tasks": [{"id": "t"}]}),
    "google": ("Google Cloud Workflows", {"main": {"steps": [{"a": {"call": "http.get"}}]}}),
    "comfyui api": (
        "ComfyUI (its API format)",
        {"3": {"class_type": "KSampler", "inputs": {}}, "4": {"class_type": "X", "inputs": {}}},
    ),
    "step functions": (
        "AWS Step Functions (Amazon States Language)",
        {"StartAt": "a", "States": {"a": {"Type": "Pass", "End": True}}},
    ),
    "n8n": (
        "n8n",
        {"nodes": [{"type": "n8n-nodes-base.set", "name": "x"}], "connections": {}},
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_another_tool_is_refused_by_its_name(name: str) -> None:
    called, value = FILES[name]
    found = read(json.dumps(value, ensure_ascii=False).encode(), "x.json")
    (one,) = found.diagnostics
    assert (one.code, one.message) == ("PF003", f"this is {called}, not a ProFlow design")
    assert found.designs == []


OURS: dict[str, Any] = {
    "types in data, shapes on nodes": {
        "nodes": [{"id": "a", "type": "rect", "x": 1, "y": 2, "data": {"type": "start"}}],
        "edges": [],
    },
    "ports": {
        "nodes": [{"id": "a", "type": "start"}, {"id": "b", "type": "end"}],
        "edges": [{"sourceNodeId": "a", "targetNodeId": "b", "sourcePortId": "out"}],
    },
    "shapes beside types": {
        "nodes": [{"id": "a", "type": "start", "shape": "circle", "x": 1, "y": 2}],
        "edges": [],
    },
    "a wrapper with a name of another tool": {
        "flow": {"nodes": [{"id": "a", "type": "start"}], "edges": []},
        "metadata": {},
    },
    "elements of React Flow 9": {
        "elements": [{"id": "a", "type": "start", "data": {"label": "x"}, "position": {}}]
    },
}


@pytest.mark.parametrize("name", OURS)
def test_ours_is_taken_for_no_other(name: str) -> None:
    found = read(json.dumps(OURS[name]).encode(), "x.json")
    assert [one.code for one in found.diagnostics if one.level == "error"] == []


def keys(value: Any) -> list[str]:
    return list(value) if isinstance(value, dict) else []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *sorted({key for _, value in FILES.values() for key in keys(value)}),
                    *("data", "type", "id", "trigger", "modules", "blocks", "cell", "shape"),
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@settings(deadline=None, max_examples=500)
@given(JSON)
def test_telling_a_format_never_raises(value: Any) -> None:
    found = formats.of_value(value)
    assert found is None or isinstance(found, str)


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_a_changed_file_of_another_tool_never_raises(data: st.DataObject) -> None:
    _, value = FILES[data.draw(st.sampled_from(sorted(FILES)))]
    value = json.loads(json.dumps(value))
    if isinstance(value, dict):
        key = data.draw(st.sampled_from(sorted(value)))
        value[key] = data.draw(JSON)
    read(json.dumps(value).encode(), "x.json")
