"""Recognises formats of other tools by their structure, so that the error message can name them."""

import re
from typing import Any

from proflow_schemas.language import Text, Texts

TEXTS = Texts(
    "formats",
    {
        "export": Text(
            "export the drawing from ProFlow: an object with `nodes` and `edges`",
            "请从 ProFlow 导出流程图：包含 `nodes` 和 `edges` 的对象",
        ),
    },
)

_IN_CHINESE = {
    "a Mermaid diagram": "Mermaid 图",
    "an Argo workflow (YAML)": "Argo 工作流（YAML）",
    "a GitHub Actions workflow (YAML)": "GitHub Actions 工作流（YAML）",
    "a Serverless Workflow (YAML)": "Serverless Workflow 工作流（YAML）",
    "a Kestra flow (YAML)": "Kestra 流程（YAML）",
    "an Airflow DAG (YAML)": "Airflow DAG（YAML）",
    "a Kubernetes resource (YAML)": "Kubernetes 资源（YAML）",
    "a Node-RED flow": "Node-RED 流程",
    "a DolphinScheduler workflow": "DolphinScheduler 工作流",
    "a draw2d diagram": "draw2d 图",
    "a Cytoscape graph": "Cytoscape 图",
    "a compiled definition": "编译后的定义",
    "a graph with `links`": "使用 `links` 的图",
    "a Coze canvas": "扣子（Coze）画布",
    "a DingTalk-style approval tree (`childNode`)": "钉钉式审批树（`childNode`）",
    "a Flowable or Activiti model (`childShapes`)": "Flowable 或 Activiti 模型（`childShapes`）",
    "a Warm-Flow definition": "Warm-Flow 定义",
    "a Camunda form": "Camunda 表单",
    "a Make scenario": "Make 场景",
    "an Activepieces flow": "Activepieces 流程",
    "a Budibase automation": "Budibase 自动化",
    "a Windmill flow": "Windmill 流程",
    "AWS Step Functions (Amazon States Language)": "AWS Step Functions（Amazon States Language）",
    "an Argo workflow": "Argo 工作流",
    "a Kubernetes resource": "Kubernetes 资源",
    "a GitHub Actions workflow": "GitHub Actions 工作流",
    "a LangGraph configuration": "LangGraph 配置",
    "a Temporal history": "Temporal 历史记录",
    "a Serverless Workflow": "Serverless Workflow 工作流",
    "a Conductor workflow": "Conductor 工作流",
    "an Airflow DAG": "Airflow DAG",
    "a Kestra flow": "Kestra 流程",
    "an AWS CloudFormation template": "AWS CloudFormation 模板",
    "ComfyUI (its API format)": "ComfyUI（API 格式）",
    "AntV X6 or JointJS (`cells`)": "AntV X6 或 JointJS（`cells`）",
    "a GoJS model": "GoJS 模型",
    "an Excalidraw drawing": "Excalidraw 绘图",
    "a tldraw drawing": "tldraw 绘图",
    "a Blockly program": "Blockly 程序",
    "a FlowGram canvas": "FlowGram 画布",
    "an Obsidian canvas (JSON Canvas)": "Obsidian 画布（JSON Canvas）",
    "a G6 graph": "G6 图",
}
"""The names of formats that are not alike in both languages."""
HELP = TEXTS("export")


def named(format: str) -> str:
    """Return the name of a format, so that it can be said in Chinese as well."""
    texts = Texts("formats", {format: Text(format, _IN_CHINESE.get(format, format))})
    return texts(format)


_YAML_KEY = re.compile(r"(?:---\s*\n)?(?:#[^\n]*\n|\s*\n)*[A-Za-z_][\w.-]*\s*:(?:\s|$)")
_PYTHON = re.compile(r"^(?:from\s+[\w.]+\s+import\s|import\s+\w|def\s+\w+\(|@\w+)", re.MULTILINE)


def of_text(text: str) -> str | None:
    """Return the format of a text that is not JSON; None if it is not recognised."""
    head = text[:20_000].lstrip("\ufeff \t\r\n")
    if head.startswith("<"):
        if re.search(r"omg\.org/spec/BPMN|<\w*:?definitions", head):
            return "BPMN (XML)"
        if head.startswith("<mxfile") or "<mxGraphModel" in head:
            return "draw.io (XML)"
        return "XML"
    if re.match(r"(?:graph|flowchart|stateDiagram(?:-v2)?)\s+\w*\s*\n", head):
        return "a Mermaid diagram"
    if _PYTHON.search(head[:5_000]):
        if re.search(r"\b(?:import|from)\s+langgraph", head):
            return "LangGraph (Python)"
        if re.search(r"\b(?:import|from)\s+temporalio", head):
            return "Temporal (Python)"
        return "Python"
    if _YAML_KEY.match(head):
        return _of_yaml(head)
    return None


def _of_yaml(head: str) -> str:
    def key(name: str) -> bool:
        return re.search(rf"^{name}\s*:", head, re.MULTILINE) is not None

    if "argoproj.io" in head:
        return "an Argo workflow (YAML)"
    if key("kind") and re.search(r"^kind:\s*app\b", head, re.MULTILINE):
        return "Dify (YAML)"
    if key("jobs") and (key("on") or key("name")):
        return "a GitHub Actions workflow (YAML)"
    if key("StartAt") and key("States"):
        return "AWS Step Functions (YAML)"
    if key("document") and re.search(r"^\s+dsl\s*:", head, re.MULTILINE):
        return "a Serverless Workflow (YAML)"
    if key("id") and key("namespace") and key("tasks"):
        return "a Kestra flow (YAML)"
    if key("main") and re.search(r"^\s+steps\s*:", head, re.MULTILINE):
        return "Google Cloud Workflows (YAML)"
    if key("dag_id") or key("default_args"):
        return "an Airflow DAG (YAML)"
    if key("apiVersion") and key("kind"):
        return "a Kubernetes resource (YAML)"
    return "YAML"


def of_value(value: Any) -> str | None:
    """Return the other tool's format that a JSON value has; None if it is not recognised."""
    if isinstance(value, list):
        return _of_list([item for item in value[:_LOOKED_AT] if isinstance(item, dict)])
    if not isinstance(value, dict):
        return None
    found = _of_object(value)
    if found is not None:
        return found
    nodes, edges = value.get("nodes"), value.get("edges")
    if not isinstance(nodes, list):
        return None
    drawn = [node for node in nodes[:_LOOKED_AT] if isinstance(node, dict)]
    lines = edges[:_LOOKED_AT] if isinstance(edges, list) else []
    lines = [edge for edge in lines if isinstance(edge, dict)]
    return _of_graph(value, drawn, lines)


_LOOKED_AT = 200
"""How many members of a list are examined: the first ones show the format."""
_SHAPES = frozenset(
    {"rect", "circle", "ellipse", "diamond", "triangle", "polygon", "star", "image", "donut"}
    | {"modelRect", "hexagon", "html", "polyline", "line", "cubic", "quadratic"}
)
"""Node types that say how a node looks, and not what it does."""


def _is(holder: Any, **keys: type) -> bool:
    """True if these keys of an object hold values of these types."""
    return isinstance(holder, dict) and all(
        isinstance(holder.get(key), kind) for key, kind in keys.items()
    )


def _of_list(items: list[dict[str, Any]]) -> str | None:
    if not items:
        return None
    if all("type" in item and "id" in item for item in items) and any(
        isinstance(item.get("wires"), list) or item["type"] == "tab" for item in items
    ):
        return "a Node-RED flow"
    first = items[0]
    if any(key in first for key in ("processDefinition", "workflowDefinition")) and (
        "taskDefinitionList" in first
    ):
        return "a DolphinScheduler workflow"
    if str(first.get("type", "")).startswith("draw2d."):
        return "a draw2d diagram"
    if any(
        _is(item.get("data"), source=str, target=str) and "source" not in item for item in items
    ):
        return "a Cytoscape graph"
    return None


def _of_object(value: dict[str, Any]) -> str | None:
    nodes, links, form = value.get("nodes"), value.get("links"), value.get("format")
    if isinstance(form, str) and form.startswith("proflow/definition@"):
        return "a compiled definition"
    if isinstance(value.get("connections"), dict) and isinstance(nodes, list):
        return "n8n"
    if isinstance(nodes, list) and isinstance(links, list) and "edges" not in value:
        return "ComfyUI" if "last_node_id" in value else "a graph with `links`"
    if _is(value, app=dict, workflow=dict):
        return "Dify"
    if str(value.get("type", "")).startswith("coze-workflow"):
        return "a Coze canvas"
    if _is(value, zaps=list) and "metadata" in value:
        return "Zapier"
    return None if nodes is not None else _without_nodes(value)


def _without_nodes(value: dict[str, Any]) -> str | None:
    return _of_approvals(value) or _of_automation(value) or _of_engine(value) or _of_drawing(value)


def _of_approvals(value: dict[str, Any]) -> str | None:
    """Recognise approval designers and BPMN engines."""
    if isinstance(value.get("nodeConfig"), dict) or isinstance(value.get("childNode"), dict):
        return "a DingTalk-style approval tree (`childNode`)"
    if isinstance(value.get("childShapes"), list) and "stencil" in value:
        return "a Flowable or Activiti model (`childShapes`)"
    if _is(value, nodeList=list) and (
        "flowCode" in value or "skipList" in _first(value, "nodeList")
    ):
        return "a Warm-Flow definition"
    if _is(value, components=list) and "schemaVersion" in value:
        return "a Camunda form"
    definitions = value.get("definitions")
    if "bpmn:definitions" in value or _is(definitions, process=object):
        return "BPMN"
    if str(value.get("$type", "")).startswith("bpmn:"):
        return "BPMN"
    return None


def _of_automation(value: dict[str, Any]) -> str | None:
    """Recognise products that connect apps."""
    schema, properties = value.get("$schema"), value.get("properties")
    definition = value.get("definition")
    inner = properties.get("definition") if isinstance(properties, dict) else None
    if isinstance(inner, dict) and "actions" in inner and "triggers" in inner:
        return "Power Automate"
    if isinstance(definition, dict) and "actions" in definition and "triggers" in definition:
        return "Power Automate" if "connectionReferences" in value else "Azure Logic Apps"
    if isinstance(schema, str) and "workflowdefinition" in schema.lower():
        return "Azure Logic Apps"
    if isinstance(value.get("flow"), list) and isinstance(value.get("metadata"), dict):
        return "a Make scenario"
    for holder in (value, value.get("template"), _first(value, "flows"), value.get("version")):
        trigger = holder.get("trigger") if isinstance(holder, dict) else None
        if isinstance(trigger, dict) and (
            "nextAction" in trigger or str(trigger.get("type", "")).endswith("_TRIGGER")
        ):
            return "an Activepieces flow"
    if _is(definition, steps=list, trigger=dict):
        return "a Budibase automation"
    below = value.get("value")
    if _is(below, modules=list) and "value" in _first(below, "modules"):
        return "a Windmill flow"
    if _is(value, modules=list) and "value" in _first(value, "modules"):
        return "a Windmill flow"
    if _is(value, modules=list) and "flowType" in _first(value, "modules"):
        return "FastGPT"
    return None


def _of_engine(value: dict[str, Any]) -> str | None:
    """Recognise workflow engines and schedulers."""
    api = value.get("apiVersion")
    if "States" in value and "StartAt" in value:
        return "AWS Step Functions (Amazon States Language)"
    if isinstance(api, str):
        return "an Argo workflow" if "argoproj.io" in api else "a Kubernetes resource"
    if isinstance(value.get("jobs"), dict) and "on" in value:
        return "a GitHub Actions workflow"
    if isinstance(value.get("graphs"), dict) and ("dependencies" in value or "env" in value):
        return "a LangGraph configuration"
    started = str(_first(value, "events").get("eventType", ""))
    if started == "WorkflowExecutionStarted" or started.upper().endswith(
        "WORKFLOW_EXECUTION_STARTED"
    ):
        return "a Temporal history"
    if isinstance(value.get("states"), list) and ("specVersion" in value or "start" in value):
        return "a Serverless Workflow"
    if isinstance(value.get("document"), dict) and "dsl" in value["document"]:
        return "a Serverless Workflow"
    if "taskReferenceName" in _first(value, "tasks"):
        return "a Conductor workflow"
    dag = value.get("dag")
    if isinstance(dag, dict) and ("dag_id" in dag or "_dag_id" in dag):
        return "an Airflow DAG"
    if "dag_id" in value and isinstance(value.get("tasks"), list | dict):
        return "an Airflow DAG"
    if "namespace" in value and isinstance(value.get("tasks"), list):
        return "a Kestra flow"
    if isinstance(value.get("processDefinition"), dict) and "taskDefinitionList" in value:
        return "a DolphinScheduler workflow"
    if "AWSTemplateFormatVersion" in value:
        return "an AWS CloudFormation template"
    if _is(value.get("main"), steps=list):
        return "Google Cloud Workflows"
    if value and all(_is(one, class_type=str, inputs=dict) for one in value.values()):
        return "ComfyUI (its API format)"
    return None


def _of_drawing(value: dict[str, Any]) -> str | None:
    """Recognise libraries that draw graphs."""
    cells = value.get("cells")
    if isinstance(cells, list):
        first = _first(value, "cells")
        if "shape" in first:
            return "AntV X6 (`cells`)"
        return "JointJS (`cells`)" if "type" in first else "AntV X6 or JointJS (`cells`)"
    if _is(value, nodeDataArray=list):
        return "a GoJS model"
    if value.get("type") == "excalidraw":
        return "an Excalidraw drawing"
    if "tldrawFileFormatVersion" in value:
        return "a tldraw drawing"
    if isinstance(value.get("elements"), dict) and "nodes" in value["elements"]:
        return "a Cytoscape graph"
    if isinstance(value.get("elements"), list):
        items = [item for item in value["elements"][:_LOOKED_AT] if isinstance(item, dict)]
        if items and all(isinstance(one.get("data"), dict) and "id" not in one for one in items):
            return "a Cytoscape graph"
    if _is(value.get("blocks"), blocks=list):
        return "a Blockly program"
    return None


def _first(holder: Any, key: str) -> dict[str, Any]:
    """The first member of the list under a key if it is an object; otherwise an empty object."""
    found = holder.get(key) if isinstance(holder, dict) else None
    first = found[0] if isinstance(found, list) and found else None
    return first if isinstance(first, dict) else {}


def _of_graph(
    value: dict[str, Any], nodes: list[dict[str, Any]], edges: list[dict[str, Any]]
) -> str | None:
    types = [kind for node in nodes if isinstance(kind := node.get("type"), str)]
    if any(re.match(r"(?:@n8n/)?n8n-nodes|@n8n/", kind) for kind in types):
        return "n8n"
    data = [node["data"] for node in nodes if isinstance(node.get("data"), dict)]
    if any("inputAnchors" in one or "outputAnchors" in one for one in data):
        return "Flowise"
    if "genericNode" in types or any(
        isinstance(one.get("node"), dict) and "template" in one["node"] for one in data
    ):
        return "Langflow"
    if any(isinstance(edge.get("data"), dict) and "sourceType" in edge["data"] for edge in edges):
        return "Dify"
    if any("flowNodeType" in node for node in nodes):
        return "FastGPT"
    numbered = bool(types) and all(kind.isdecimal() for kind in types)
    if any("sourceNodeID" in edge for edge in edges) or (
        numbered and any("nodeMeta" in one for one in data)
    ):
        coze = numbered or any("nodeMeta" in one for one in data)
        return "a Coze canvas" if coze else "a FlowGram canvas"
    if any("sourceNodeId" in edge for edge in edges) and _is_logicflow(nodes, edges):
        return "LogicFlow"
    if any(node.get("id") == "__start__" for node in nodes):
        return "LangGraph"
    if any(isinstance(node.get("wires"), list) for node in nodes):
        return "a Node-RED flow"
    return _of_drawn_graph(value, nodes, edges, types)


def _of_drawn_graph(
    value: dict[str, Any],
    nodes: list[dict[str, Any]],
    edges: list[dict[str, Any]],
    types: list[str],
) -> str | None:
    """Recognise libraries for graphs whose nodes say how they look and not what they do."""
    if any("fromNode" in edge and "toNode" in edge for edge in edges):
        return "an Obsidian canvas (JSON Canvas)"
    if any(_is(edge.get("source"), cell=object) for edge in edges):
        return "AntV X6"
    if nodes and all("shape" in node and "type" not in node for node in nodes):
        placed = any("x" in node and "y" in node for node in nodes)
        return "AntV X6" if placed and not any("data" in node for node in nodes) else None
    if nodes and all(_is(node.get("data"), id=str) and "id" not in node for node in nodes):
        return "a Cytoscape graph"
    shapes = bool(types) and all(kind in _SHAPES or kind.startswith("flow-") for kind in types)
    named = ("type", "name", "nodeType")
    bare = not any(key in node["data"] for node in nodes if _is(node, data=dict) for key in named)
    if bare and ("combos" in value or (shapes and _is_placed(nodes))):
        return "a G6 graph"
    return None


def _is_placed(nodes: list[dict[str, Any]]) -> bool:
    """True if nodes have coordinates of their own or in their style, as in G6."""
    return any(
        ("x" in holder and "y" in holder)
        for node in nodes
        for holder in (node, node.get("style"))
        if isinstance(holder, dict)
    )


def _is_logicflow(nodes: list[dict[str, Any]], edges: list[dict[str, Any]]) -> bool:
    """True if nodes and edges have coordinates of their own, as in LogicFlow."""
    marks = ("startPoint", "endPoint", "pointsList", "sourceAnchorId")
    return any(mark in edge for edge in edges for mark in marks) or any(
        "x" in node and "y" in node and "data" not in node for node in nodes
    )
