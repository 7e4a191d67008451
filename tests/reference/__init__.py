"""The meaning of a design as a small pure function, to hold both targets against."""

from .semantics import Answer, Happened, Outside, play

__all__ = ["Answer", "Happened", "Outside", "play"]
