"""What several routes of designs receive."""

from typing import Annotated, Any

from pydantic import Field

from proflow_runtime.service.routes.common import Body

Canvas = Annotated[dict[str, Any], Field(description="The design as the canvas saves it")]


class AskedDesign(Body):
    design: Canvas
