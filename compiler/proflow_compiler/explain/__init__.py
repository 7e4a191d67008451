"""Internal: the pages that explain each rule, for `proflow explain` and for `docs/rules`."""

from proflow_schemas.errors import ProFlowError

from proflow_compiler import rules
from proflow_compiler.diagnostics.similar_words import did_you_mean
from proflow_compiler.rules import Rule

RULES: dict[str, Rule] = {
    rule.code: rule for rule in sorted(rules.RULES, key=lambda rule: rule.code)
}
"""Every rule by its code, whichever stage raises it."""


class UnknownRuleError(ProFlowError, ValueError):
    """No rule has this code or name. The message suggests a similar one, if there is any."""


def explain(code: str) -> str:
    """Return the page of a rule, in Markdown.

    Args:
        code: The code of the rule, such as `PF304`, or its name.

    Raises:
        UnknownRuleError: There is no such rule.
    """
    wanted = code.strip().lower()
    for rule in RULES.values():
        if wanted in (rule.code.lower(), rule.name):
            return rule.markdown()
    known = [*RULES, *(rule.name for rule in RULES.values())]
    meant = did_you_mean(code, known)
    raise UnknownRuleError(f"there is no rule `{code[:60]}`" + (f": {meant}" if meant else ""))


def index() -> str:
    """Return the page that lists all rules, in Markdown."""
    rows = [
        f"| [{rule.code}]({rule.name}.md) | {rule.name} | {rule.level.value} | {_line(rule)} |"
        for rule in RULES.values()
    ]
    return "\n".join(
        [
            "# Rules",
            "",
            "PF0xx: the file cannot be read. PF1xx: its shape. PF2xx: the graph. PF3xx: what it",
            "means. PF4xx: limits of Inngest. `proflow explain PF304` prints a page.",
            "",
            "| code | name | level | reports |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def pages() -> dict[str, str]:
    """Return the text of every page by its file name below `docs/rules`."""
    return {
        "README.md": index(),
        **{f"{rule.name}.md": rule.markdown() for rule in RULES.values()},
    }


def _line(rule: Rule) -> str:
    return " ".join(rule.summary.split()).replace("|", "\\|")
