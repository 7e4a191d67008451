"""Random worlds for random designs: what is answered, what fails, which way conditions go."""

from random import Random

from reference import Answer, Outside

from benchmarks.designs import Drawing


def random_outside(drawing: Drawing, random: Random) -> Outside:
    """A world in which nothing that matters happens at the same instant as anything else.

    Nodes that take time have their own number of seconds, see `Drawing.slots`.
    """
    data: dict[str, object] = {"tenant_id": 1, "n": random.randint(0, 9), "key": "k-1"}
    answers: dict[str, Answer] = {}
    failures: dict[str, int] = {}
    for condition, outcomes in drawing.choices.items():
        data[condition.replace("-", "_")] = random.choice(outcomes)
    for node in drawing.nodes:
        name, kind = node["id"], node["type"]
        if kind == "approval":
            outcomes = ["approved", "approved", "approved", "rejected", "returned", ""]
        elif kind == "wait":
            outcomes = ["received", "received", ""]
        else:
            continue
        if outcome := random.choice(outcomes):
            answers[name] = Answer(outcome, drawing.slots[name])
    for name, attempts in drawing.retried.items():
        if random.random() < 0.5:
            failures[name] = random.randint(1, attempts)
    return Outside(data=data, answers=answers, failures=failures)


def as_arguments(outside: Outside) -> dict[str, list[str]]:
    """The same world, as on the command line."""
    return {
        "answers": [
            f"{node}={answer.outcome}@+{answer.after:.0f}s"
            for node, answer in outside.answers.items()
        ],
        "fails": [f"{node}=boom*{count}" for node, count in outside.failures.items()],
    }
