"""Writes the doc pages of the node types: what each does, its config, and its outcomes."""

import json
from collections.abc import Mapping
from typing import Any

from proflow_schemas.language import Language, Text, Texts, in_language
from proflow_schemas.node_types import NodeType
from proflow_schemas.node_types.record import Words

TEXTS = Texts(
    "node-page",
    {
        "type": Text("Type: `{name:raw}`.", "类型：`{name:raw}`。"),
        "aliases": Text(
            "{names:raw} Also read: {aliases:raw}.", "{names:raw}也可写作：{aliases:raw}。"
        ),
        "config": Text("Config", "配置"),
        "outcomes": Text("Outcomes", "出口"),
        "in-expressions": Text("In expressions", "在表达式中"),
        "readable": Text("{reads:raw}, after the node.", "节点完成后可读取 {reads:raw}。"),
        "columns": Text("| key | type | default | meaning |", "| 键 | 类型 | 默认值 | 含义 |"),
    },
)


def pages(kinds: Mapping[str, NodeType]) -> dict[str, str]:
    """Return the text of every page by its file name below `docs/nodes`.

    Args:
        kinds: The node types by name.
    """
    return {
        "README.md": _index(kinds),
        **{f"{name}.md": page(kind) for name, kind in kinds.items()},
    }


def _index(kinds: Mapping[str, NodeType]) -> str:
    rows = [
        f"| [{name}]({name}.md) | {_ticked(kind.aliases)} | {_line(kind.summary.en)} |"
        for name, kind in kinds.items()
    ]
    return "\n".join(
        [
            "# Node types",
            "",
            "A node's type is its `type`; aliases are read as well, and never written.",
            "",
            "| type | aliases | what it does |",
            "|---|---|---|",
            *rows,
            "",
            "An application can add [types of its own](../own-node-types.md).",
            "",
        ]
    )


def page(kind: NodeType, language: Language = "en") -> str:
    """Return the page of one type, in Markdown.

    Args:
        kind: The type.
        language: The language of its title, its summary, the headings and the meanings of keys; the
            rest is in English.
    """

    def said(key: str, **arguments: str) -> str:
        return in_language(TEXTS(key, **arguments), language)

    parts = [f"# {_words(kind.title, language)}", _words(kind.summary, language).strip()]
    names = said("type", name=kind.name)
    if kind.aliases:
        names = said("aliases", names=names, aliases=_ticked(kind.aliases))
    parts.append(names)
    parts += [f"```json\n{kind.example.strip()}\n```"]
    if kind.notes:
        parts.append(kind.notes.strip())
    parts += [f"## {said('config')}", _fields(kind, language)]
    parts += [f"## {said('outcomes')}", _outcomes(kind)]
    if kind.readable:
        reads = ", ".join(f"`steps.<id>.{name}`" for name in kind.readable)
        parts += [f"## {said('in-expressions')}", said("readable", reads=reads)]
    return "\n\n".join(parts) + "\n"


def _words(words: Words, language: Language) -> str:
    return words.zh if language == "zh" else words.en


def _fields(kind: NodeType, language: Language) -> str:
    schema = kind.config.model_json_schema(by_alias=True)
    properties: dict[str, Any] = schema.get("properties", {})
    if not properties:
        return "None."
    required = set(schema.get("required", []))
    definitions: dict[str, Any] = schema.get("$defs", {})
    rows = []
    for name, field in properties.items():
        default = "required" if name in required else _default(field)
        words = kind.fields.get(name) or kind.labels.get(name)
        meaning = _words(words, language) if words is not None else _description(field)
        cells = (f"`{name}`", _type(field, definitions), default, meaning)
        rows.append(f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |")
    columns = in_language(TEXTS("columns"), language)
    return "\n".join([columns, "|---|---|---|---|", *rows])


def _default(field: Mapping[str, Any]) -> str:
    value = field.get("default")
    return "" if value is None else f"`{json.dumps(value, ensure_ascii=False)}`"


def _description(field: Mapping[str, Any]) -> str:
    """The description of a field, or those of the members of its union."""
    if "description" in field:
        return _line(field["description"])
    found = (part.get("description") for part in field.get("anyOf", ()))
    return _line("; ".join(dict.fromkeys(text for text in found if text)))


def _type(field: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """Describe a JSON Schema in a few words; an object by its keys."""
    if "$ref" in field:
        return _type(definitions[field["$ref"].rsplit("/", 1)[1]], definitions)
    if "anyOf" in field:
        parts = [_type(part, definitions) for part in field["anyOf"] if part != {"type": "null"}]
        return " or ".join(dict.fromkeys(parts))
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "const" in field:
        return f"`{field['const']}`"
    match field.get("type"):
        case "array":
            item = _type(field.get("items", {}), definitions)
            return f"list of ({item})" if " or " in item else f"list of {item}"
        case "object" if field.get("properties"):
            return f"`{{{', '.join(field['properties'])}}}`"
        case "string":
            return "expression" if field.get("format") == "cel" else "text"
        case None:
            return "any JSON"
        case str(name):
            return name
        case other:
            raise TypeError(f"the type {other!r} has no words")


def _outcomes(kind: NodeType) -> str:
    if kind.rules:
        return "Named by the `sourceHandle` of its edges, or by their targets."
    if not kind.outcomes:
        return "None: the path ends here."
    if len(kind.outcomes) == 1:
        return "One. Any `sourceHandle` means it."
    ends = "ends the run, or in a container the item"
    undrawn = f" Not drawn, {_ticked(kind.undrawn)} {ends}." if kind.undrawn else ""
    if "error" in kind.outcomes:
        undrawn += " Not drawn, `error` fails the run."
    return f"{_ticked(kind.outcomes)}. An edge without a `sourceHandle`: `{kind.default}`.{undrawn}"


def _ticked(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _line(text: str) -> str:
    return " ".join(text.split())
