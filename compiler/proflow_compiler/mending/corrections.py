"""Fixes that replace the wrong part of an expression."""

import json

from proflow_schemas.language import Text, Texts

from proflow_compiler.diagnostics import Edit, Fix
from proflow_compiler.facts import SiteProblem

TEXTS = Texts(
    "corrections",
    {
        "write": Text("write `{text}`", "改为 `{text}`"),
        "write-text": Text("write `{text}`", "改为 `{text}`"),
    },
)


def corrections(found: SiteProblem) -> tuple[Fix, ...]:
    """Return the fix of a problem if a correction is known and the file holds the expression as is."""
    better, site = found.problem.correction, found.site
    if better is not None and better.whole:
        is_field = site.pointer.endswith("/field")
        shown = better.text if is_field else json.dumps(better.text, ensure_ascii=False)
        edit = Edit("replace", site.pointer, better.text)
        return (Fix(TEXTS("write", text=shown), better.sure, (edit,)),)
    if better is None or not site.spanned:
        return ()
    shift = found.start - found.problem.start
    text = site.text[: better.start + shift] + better.text + site.text[better.end + shift :]
    return (
        Fix(
            TEXTS("write-text", text=better.text),
            better.sure,
            (Edit("replace", site.pointer, text),),
        ),
    )
