"""Formats values, names, lists and paths of a design for messages in English.

The fields of a text do the same in the language of the reader; see `proflow_schemas.language`.
"""

from proflow_schemas.language.wording import kind_of, listed, shown, ticks, walk

__all__ = ["kind_of", "listed", "shown", "ticks", "walk"]
