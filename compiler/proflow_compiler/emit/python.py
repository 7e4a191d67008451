"""Writes a definition as a Python module, as somebody would write it by hand with `Flow`."""

import subprocess
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from proflow_schemas.definition import (
    ApprovalOp,
    Definition,
    InvokeOp,
    RetryPolicy,
    SleepOp,
    TaskOp,
    WaitOp,
    blocks,
    walk,
)
from proflow_schemas.node_types import HANDLERS, method_of

from proflow_compiler.emit.arguments import (
    create_function,
    create_part,
    fan_outs,
    handler_source,
    has_fan_out,
    has_plain_cron,
    part_body,
    retry_source,
    workflow,
)
from proflow_compiler.emit.body import FunctionWriter
from proflow_compiler.emit.literals import Source, docstring
from proflow_compiler.emit.names import Names, identifier
from proflow_compiler.emit.outlining import extract_functions
from proflow_compiler.emit.rendering import policy_source, rendered

try:
    from ruff import find_ruff_bin
except ImportError:  # before ruff 0.16
    from ruff.__main__ import find_ruff_bin  # type: ignore[attr-defined]

LINE_LENGTH = 88
"""Ruff's default, so that modules count as formatted unless a project configures another."""
FORMATTING = (
    *("format", "--isolated", "--line-length", str(LINE_LENGTH)),
    *("--target-version", "py311"),
)
"""The arguments of ruff; all versions in the allowed range format alike."""


@dataclass(frozen=True)
class Imports:
    """What generated modules import.

    Attributes:
        client: The Inngest client, as `package.module:name`.
        handlers: The module of the handlers, as `package.module`; None for `handlers.py` in the
            same package.
    """

    client: str = "proflow_runtime.client:client"
    handlers: str | None = None


def emit_module(definition: Definition, imports: Imports) -> str:
    """Return the formatted source of the module of a definition."""
    names = Names()
    main = names.claim(identifier(definition.id))
    policies = _policies(definition)
    constants = {
        policy: (Source(names.claim(f"RETRY_{policy.max_attempts}")), retry_source(policy))
        for policy, count in policies.items()
        if count > 1
    }
    retries = {
        policy: constants[policy][0] if policy in constants else retry_source(policy)
        for policy in policies
    }
    built_in = _built_in_modules(definition, names)
    handlers = {name: handler_source(name) for name in handler_nodes(definition)}
    handlers |= {name: source for name, (_, source) in built_in.items()}
    program = extract_functions(definition)
    writer = FunctionWriter(definition, program, names, retries, handlers)
    functions: list[str] = []
    for index, call in enumerate(fan_outs(definition)):
        functions.append(names.claim(f"{main}_fan_out" + (f"_{index + 1}" if index else "")))
        writer.lines += [f"{functions[-1]} = {call}", ""]
    decorator = workflow(definition, main)
    if definition.parts:
        shared = names.claim(f"{main}_workflow")
        writer.lines += [f"{shared} = {decorator}", ""]
        decorator = Source(shared)
    writer.lines += [f"@{create_function(definition)}", f"@{decorator}"]
    writer.main(main, f"Run {_title(definition)}")
    writer.lines.append("")
    for part, settings in definition.parts.items():
        functions.append(names.claim(f"{main}_{identifier(part)}"))
        writer.lines += [
            f"@{create_part(definition, part)}",
            f"@{part_body(shared, settings.keeps)}",
        ]
        writer.part(part, functions[-1])
        writer.lines.append("")
    functions.append(main)
    writer.shared()
    if writer.exits:
        writer.used.add("StrEnum")
    source = rendered(
        "module",
        doc=_documentation(definition),
        imports=[
            [Source(line) for line in group]
            for group in _imports(
                definition, imports, writer.used, [line for line, _ in built_in.values()]
            )
        ],
        constants=list(constants.values()),
        exits=Source("\n".join(writer.exits.lines())),
        body=Source("\n".join(writer.lines)),
        functions=Source(f"[{', '.join(functions)}]"),
    )
    return formatted(source)


def formatted(source: str) -> str:
    """Format source with `ruff format`.

    Raises:
        RuntimeError: The source is not valid Python: a bug of the compiler.
    """
    command = [find_ruff_bin(), *FORMATTING, "--stdin-filename", "module.py", "-"]
    done = subprocess.run(command, input=source, capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        raise RuntimeError(f"generated source cannot be formatted: {done.stderr.strip()}")
    return done.stdout


def handler_nodes(definition: Definition) -> dict[str, list[str]]:
    """Return the handlers of the host that a definition uses, each with its nodes.

    The handler of `onFailure` has none.
    """
    found: dict[str, list[str]] = {}
    for op in _ops(definition):
        if isinstance(op, TaskOp) and op.handler not in HANDLERS:
            found.setdefault(op.handler, []).append(op.node)
    if definition.on_failure is not None:
        found.setdefault(definition.on_failure, [])
    return found


def _built_in_modules(definition: Definition, names: Names) -> dict[str, tuple[str, Source]]:
    """Return the built-in handlers that are not methods of `Flow`: (import line, expression)."""
    used = {op.handler for op in _ops(definition) if isinstance(op, TaskOp)}
    found: dict[str, tuple[str, Source]] = {}
    for handler in sorted(used & HANDLERS.keys()):
        if method_of(handler) is None:
            module, _, function = str(HANDLERS[handler].function).rpartition(".")
            name = names.claim(module)
            renamed = "" if name == module else f" as {name}"
            line = f"from proflow_runtime.handlers import {module}{renamed}"
            found[handler] = (line, Source(f"{name}.{function}"))
    return found


def _ops(definition: Definition) -> Iterator[Any]:
    for block in blocks(definition):
        yield from walk(block)


def _policies(definition: Definition) -> Counter[RetryPolicy]:
    return Counter(
        op.retry for op in _ops(definition) if isinstance(op, TaskOp) and op.retry is not None
    )


def _documentation(definition: Definition) -> Source:
    origin = (
        f"Compiled by proflow from the design `{definition.id}`. Edit the design, not this file."
    )
    description = [] if not definition.description else [definition.description.strip()]
    return docstring(_title(definition), *description, origin)


def _title(definition: Definition) -> str:
    name = " ".join(definition.name.split())
    return f"{name} ({definition.id})." if name and name != definition.id else f"{definition.id}."


def _imports(
    definition: Definition, imports: Imports, mentioned: Collection[str], built_in: list[str]
) -> list[list[str]]:
    """Return the import lines that are needed, by section, in the order of isort."""
    approvals = [op.approval for op in _ops(definition) if isinstance(op, ApprovalOp)]
    runtime = {
        "WITH_CALL": definition.settings.ends_with_call,
        "WITH_PARENT": bool(definition.parts) or definition.settings.ends_with_parent,
        "Again": "Again" in mentioned,
        "ApprovalPolicy": any(policy_source(one) is not None for one in approvals),
        "Branch": "Branch" in mentioned,
        "Exit": "Exit" in mentioned,
        "Flow": True,
        "InnerList": "InnerList" in mentioned,
        "Reminders": any(one.reminders is not None for one in approvals),
        "Result": True,
        "Retry": bool(_policies(definition)),
        "cron_trigger": has_plain_cron(definition),
        "fan_out": has_fan_out(definition),
        "on_failure": definition.on_failure is not None,
        "workflow": True,
    }
    used = ", ".join(name for name, needed in runtime.items() if needed)
    installed = ["import inngest", f"from proflow_runtime import {used}"]
    module, name = imports.client.split(":")
    own = [f"from {module} import {name}" + ("" if name == "client" else " as client")]
    if module.split(".")[0] == "proflow_runtime":
        installed, own = [*installed, *own], []
    installed += built_in
    beside: list[str] = []
    if handler_nodes(definition) or has_fan_out(definition):
        if imports.handlers is None:
            beside = ["from . import handlers"]
        else:
            own.append(_handlers_import(imports.handlers))
    standard = ["from datetime import timedelta"] if _has_durations(definition) else []
    standard += ["from enum import StrEnum"] if "StrEnum" in mentioned else []
    standard += ["from functools import partial"] if "partial" in mentioned else []
    standard += ["from typing import NoReturn"] if "NoReturn" in mentioned else []
    if own:
        # Linters run in different folders disagree on whether these are first-party.
        own = ["# isort: split", *sorted(own, key=_import_order)]
    return [group for group in (standard, installed, own, beside) if group]


def _import_order(line: str) -> tuple[bool, str]:
    return line.startswith("from "), line


def _handlers_import(module: str) -> str:
    package, _, name = module.rpartition(".")
    if not package:
        return "import handlers" if name == "handlers" else f"import {name} as handlers"
    return f"from {package} import {name}" + ("" if name == "handlers" else " as handlers")


def _has_durations(definition: Definition) -> bool:
    settings = definition.settings
    return (
        settings.throttle is not None
        or settings.timeouts is not None
        or any(one.timeout is not None for one in settings.cancel_on)
        or any(_has_duration(op) for op in _ops(definition))
    )


def _has_duration(op: Any) -> bool:
    match op:
        case TaskOp():
            policy = op.retry
            paused = policy is not None and (policy.initial_interval, policy.max_interval) != (
                None,
                None,
            )
            limited = method_of(op.handler) is not None and "timeout" in op.input
            return op.timeout is not None or paused or limited
        case ApprovalOp():
            return op.timeout is not None or op.approval.reminders is not None
        case WaitOp() | InvokeOp():
            return op.timeout is not None
        case SleepOp():
            return op.seconds is not None
        case _:
            return False
