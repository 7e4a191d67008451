"""Formats of other tools, told by their structure, so that they are refused by name."""

import re
from typing import Any

HELP = "export the drawing from ProFlow: an object with `nodes` and `edges`"

_YAML_KEY = re.compile(r"(?:---\s*\n)?(?:#[^\n]*\n|\s*\n)*[A-Za-z_][\w.-]*\s*:(?:\s|$)")
_PYTHON = re.compile(r"^(?:from\s+[\w.]+\s+import\s|import\s+\w|def\s+\w+\(|@\w+)", re.MULTILINE)


def of_text(text: str) -> str | None:
    """The format of a text that is no JSON, if it can be told."""
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
    if key("apiVersion") and key("kind"):
        return "a Kubernetes resource (YAML)"
    return "YAML"


def of_value(value: Any) -> str | None:
    """The other tool's format that a JSON value is in, if it is one we know."""
    if isinstance(value, list):
        return _of_list(value)
    if not isinstance(value, dict):
        return None
    found = _of_object(value)
    if found is not None:
        return found
    nodes = value.get("nodes")
    edges = value.get("edges")
    if isinstance(nodes, list):
        return _of_nodes(
            [node for node in nodes[:200] if isinstance(node, dict)],
            [edge for edge in edges[:200] if isinstance(edge, dict)]
            if isinstance(edges, list)
            else [],
        )
    return None


def _of_list(value: list[Any]) -> str | None:
    items = [item for item in value[:200] if isinstance(item, dict)]
    if items and all("type" in item and "id" in item for item in items):
        if any(isinstance(item.get("wires"), list) for item in items):
            return "a Node-RED flow"
        if any(item["type"] == "tab" for item in items):
            return "a Node-RED flow"
    return None


def _of_object(value: dict[str, Any]) -> str | None:
    nodes = value.get("nodes")
    form = value.get("format")
    links = value.get("links")
    if isinstance(form, str) and form.startswith("proflow/definition@"):
        return "a compiled definition"
    if isinstance(value.get("connections"), dict) and isinstance(nodes, list):
        return "n8n"
    if isinstance(nodes, list) and isinstance(links, list) and "edges" not in value:
        return "ComfyUI" if "last_node_id" in value else "a graph with `links`"
    if isinstance(value.get("app"), dict) and isinstance(value.get("workflow"), dict):
        return "Dify"
    return None if nodes is not None else _without_nodes(value)


def _without_nodes(value: dict[str, Any]) -> str | None:
    api = value.get("apiVersion")
    schema = value.get("$schema")
    definition = value.get("definition")
    if "States" in value and "StartAt" in value:
        return "AWS Step Functions (Amazon States Language)"
    if isinstance(api, str):
        if "argoproj.io" in api:
            return "an Argo workflow"
        return "a Kubernetes resource"
    if isinstance(value.get("jobs"), dict) and "on" in value:
        return "a GitHub Actions workflow"
    if isinstance(schema, str) and "workflowdefinition" in schema.lower():
        return "Azure Logic Apps"
    if isinstance(definition, dict) and "actions" in definition and "triggers" in definition:
        return "Azure Logic Apps"
    if isinstance(value.get("graphs"), dict) and ("dependencies" in value or "env" in value):
        return "a LangGraph configuration"
    events = value.get("events")
    if isinstance(events, list) and events and isinstance(events[0], dict):
        if str(events[0].get("eventType", "")).upper().endswith("WORKFLOW_EXECUTION_STARTED"):
            return "a Temporal history"
        if events[0].get("eventType") == "WorkflowExecutionStarted":
            return "a Temporal history"
    if isinstance(value.get("states"), list) and ("specVersion" in value or "start" in value):
        return "a Serverless Workflow"
    if isinstance(value.get("document"), dict) and "dsl" in value["document"]:
        return "a Serverless Workflow"
    tasks = value.get("tasks")
    first = tasks[0] if isinstance(tasks, list) and tasks else None
    if isinstance(first, dict) and "taskReferenceName" in first:
        return "a Conductor workflow"
    if isinstance(value.get("flow"), list) and isinstance(value.get("metadata"), dict):
        return "a Make scenario"
    if isinstance(value.get("nodeConfig"), dict) or isinstance(value.get("childNode"), dict):
        return "a DingTalk-style approval tree (`childNode`)"
    if isinstance(value.get("cells"), list):
        return "AntV X6 or JointJS (`cells`)"
    bpmn = value.get("definitions")
    if "bpmn:definitions" in value or (isinstance(bpmn, dict) and "process" in bpmn):
        return "BPMN"
    return None


def _of_nodes(nodes: list[dict[str, Any]], edges: list[dict[str, Any]]) -> str | None:
    types = [node.get("type") for node in nodes]
    if any(isinstance(kind, str) and re.match(r"(?:@n8n/)?n8n-nodes", kind) for kind in types):
        return "n8n"
    if any(isinstance(kind, str) and kind.startswith("@n8n/") for kind in types):
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
    if any("sourceNodeId" in edge for edge in edges) and _is_logicflow(nodes, edges):
        return "LogicFlow"
    if any(node.get("id") == "__start__" for node in nodes):
        return "LangGraph"
    if any(isinstance(node.get("wires"), list) for node in nodes):
        return "a Node-RED flow"
    return None


def _is_logicflow(nodes: list[dict[str, Any]], edges: list[dict[str, Any]]) -> bool:
    """True if places stand on nodes and edges themselves, as LogicFlow keeps them."""
    marks = ("startPoint", "endPoint", "pointsList", "sourceAnchorId")
    return any(mark in edge for edge in edges for mark in marks) or any(
        "x" in node and "y" in node and "data" not in node for node in nodes
    )
