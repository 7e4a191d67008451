"""Expressions that can be mended: what is written in place of what is wrong."""

from proflow_compiler.diagnostics import Edit, Fix
from proflow_compiler.diagnostics.message_text import ticks
from proflow_compiler.facts import SiteProblem


def corrections(found: SiteProblem) -> tuple[Fix, ...]:
    """What to write, if that is known and the expression stands in the file as it is."""
    better, site = found.problem.correction, found.site
    if better is None or not site.spanned:
        return ()
    shift = found.start - found.problem.start
    text = site.text[: better.start + shift] + better.text + site.text[better.end + shift :]
    return (
        Fix(f"write {ticks(better.text)}", better.sure, (Edit("replace", site.pointer, text),)),
    )
