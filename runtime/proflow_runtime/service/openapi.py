"""Prints the description of the HTTP API: `python -m proflow_runtime.service.openapi`."""

import json
from typing import Any

import inngest

from proflow_runtime.handlers.registry import Registry
from proflow_runtime.service.app import standalone
from proflow_runtime.service.facade import ProFlow


def description() -> dict[str, Any]:
    """Build the OpenAPI document of the standalone service."""
    client = inngest.Inngest(app_id="proflow", is_production=False)
    return standalone(ProFlow(client, Registry({})), functions=False).openapi()


if __name__ == "__main__":
    print(json.dumps(description(), ensure_ascii=False))
