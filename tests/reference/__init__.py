"""The meaning of a design as a small pure program, to hold both targets against."""

from reference.outside import Answer, Execution, Happened, Outside, Run, Sent
from reference.semantics import play

__all__ = ["Answer", "Execution", "Happened", "Outside", "Run", "Sent", "play"]
