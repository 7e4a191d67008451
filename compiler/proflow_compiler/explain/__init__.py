"""Internal: the pages that explain each rule, for `proflow explain` and for `docs/rules`."""

from proflow_schemas.errors import ProFlowError
from proflow_schemas.language import Language, Text, Texts, in_language

from proflow_compiler import rules
from proflow_compiler.diagnostics.similar_words import did_you_mean
from proflow_compiler.rules import Rule

RULES: dict[str, Rule] = {
    rule.code: rule for rule in sorted(rules.RULES, key=lambda rule: rule.code)
}
"""Every rule by its code, whichever stage raises it."""


TEXTS = Texts(
    "explain",
    {
        "no-rule": Text("there is no rule `{code:raw}`", "没有规则 `{code:raw}`"),
        "no-rule-meant": Text(
            "there is no rule `{code:raw}`: {meant:raw}", "没有规则 `{code:raw}`：{meant:raw}"
        ),
        "rules": Text("Rules", "规则"),
        "families": Text(
            "PF0xx: the file cannot be read. PF1xx: its shape. PF2xx: the graph. PF3xx: what it\n"
            "means. PF4xx: limits of Inngest. `proflow explain PF304` prints a page.",
            "PF0xx：无法读取文件。PF1xx：文件结构。PF2xx：流程图。PF3xx：含义。"
            "PF4xx：Inngest 的限制。`proflow explain PF304` 显示某条规则的说明。",
        ),
        "columns": Text("| code | name | level | reports |", "| 编号 | 名称 | 级别 | 报告的问题 |"),
    },
)


class UnknownRuleError(ProFlowError, ValueError):
    """No rule has this code or name. The message suggests a similar one, if there is any."""


def explain(code: str, language: Language = "en") -> str:
    """Return the page of a rule, in Markdown.

    Args:
        code: The code of the rule, such as `PF304`, or its name.
        language: The language of the headings; explanations are in English.

    Raises:
        UnknownRuleError: There is no such rule.
    """
    wanted = code.strip().lower()
    for rule in RULES.values():
        if wanted in (rule.code.lower(), rule.name):
            return rule.markdown(language)
    known = [*RULES, *(rule.name for rule in RULES.values())]
    meant = did_you_mean(code, known)
    if meant:
        raise UnknownRuleError(TEXTS("no-rule-meant", code=code[:60], meant=meant))
    raise UnknownRuleError(TEXTS("no-rule", code=code[:60]))


def index(language: Language = "en") -> str:
    """Return the page that lists all rules, in Markdown, with headings in a language."""
    rows = [
        f"| [{rule.code}]({rule.name}.md) | {rule.name} | {rule.level.value} | {_line(rule)} |"
        for rule in RULES.values()
    ]
    return "\n".join(
        [
            f"# {in_language(TEXTS('rules'), language)}",
            "",
            in_language(TEXTS("families"), language),
            "",
            in_language(TEXTS("columns"), language),
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
