"""The meaning of a design as a small pure function, to hold both targets against."""

from .semantics import Answer, Happened, Outside, Run, Sent, play

__all__ = ["Answer", "Happened", "Outside", "Run", "Sent", "play"]
