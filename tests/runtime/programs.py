"""Programs made at random of everything that holds steps together, and what is to become of them."""

import asyncio
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import inngest
from proflow_runtime import Again, Branch, Flow, Result, Retry, Task
from proflow_runtime.context import clock
from proflow_runtime.local import EventReceived, LocalEngine, Observation
from proflow_schemas.step_ids import step_id

Block = list[Any]
Items = tuple[int, ...]
Ended = Result | Again | None


@dataclass
class Work:
    """A step that fails so many times first, with pauses of 10 s, 20 s …, or for good.

    `fatal_for`: for good, but only for the items with this index, or for all (-1).
    """

    name: str
    failures: int = 0
    fatal_for: int | None = None
    catch: bool = False

    def fatal(self, items: Items) -> bool:
        return self.fatal_for == -1 or (bool(items) and items[-1] == self.fatal_for)


@dataclass
class Nap:
    name: str
    seconds: int


@dataclass
class Ask:
    name: str
    after: int


@dataclass
class End:
    name: str
    terminate: bool = False


@dataclass
class Arms:
    arms: list[Block]


@dataclass
class Part:
    name: str
    block: Block
    after: list[str]
    needs: int | None
    leaves: bool


@dataclass
class Region:
    parts: list[Part]


@dataclass
class Repeat:
    name: str
    rounds: int
    block: Block


@dataclass
class Each:
    name: str
    count: int
    limit: int | None
    catch: bool
    block: Block


@dataclass
class Rounds:
    name: str
    count: int
    ruled: bool
    catch: bool
    block: Block


@dataclass
class Start:
    at: float
    node: str
    part: str | None
    items: Items


@dataclass
class Course:
    """What became of a block: `arrived`, `ended`, `failed` or `stopped`, when, and what began."""

    over: float
    status: str
    starts: list[Start] = field(default_factory=list)


def detour(items: Items) -> int:
    """How much longer items take than others, so that they do not go on at the same time."""
    return sum(1009 * (index + 1) * 13**depth for depth, index in enumerate(items))


def expected(block: Block, at: float, items: Items = ()) -> Course:
    """Worked out by the meaning of a program; no two things happen at once unless they must."""
    starts: list[Start] = []
    for op in block:
        course = _of(op, at, items)
        starts += course.starts
        at = course.over
        if course.status != "arrived":
            return Course(at, course.status, starts)
    return Course(at, "arrived", starts)


def _of(op: Any, at: float, items: Items) -> Course:
    match op:
        case Work(name, failures, _, catch):
            fatal = op.fatal(items)
            pauses = 0 if fatal else sum(10 * 2**n for n in range(failures))
            status = "failed" if fatal and not catch else "arrived"
            return Course(at + pauses, status, [Start(at, name, None, items)])
        case Nap(name, seconds):
            over = at + seconds + detour(items)
            return Course(over, "arrived", [Start(at, name, None, items)])
        case Ask(name, after):
            parts = [Start(at, name, part, items) for part in ("wait", "notify")]
            return Course(at + after + detour(items), "arrived", parts)
        case End(_, terminate):
            return Course(at, "stopped" if terminate else "ended")
        case Arms(arms):
            courses = [expected(arm, at, items) for arm in arms]
            arrived = any(one.status == "arrived" for one in courses)
            return _together(courses, at, "arrived" if arrived else "ended")
        case Region(parts):
            return _region(parts, at, items)
        case Repeat(_, rounds, inner):
            return expected(inner * rounds, at, items)
        case Each(_, count, limit, catch, inner):
            return _caught(_each(count, limit, inner, at, items), catch)
        case Rounds(_, count, _, catch, inner):
            starts: list[Start] = []
            for _ in range(count):
                course = expected(inner, at, items)
                starts += course.starts
                at = course.over
                if course.status in ("failed", "stopped"):
                    return _caught(Course(at, course.status, starts), catch)
            return Course(at, "arrived", starts)
    raise TypeError(op)


def _region(parts: list[Part], at: float, items: Items) -> Course:
    settled: dict[str, float] = {}
    arrived: dict[str, bool] = {}
    courses = []
    for part in parts:
        begin: float | None = at
        if part.after:
            times = sorted(settled[name] for name in part.after if arrived[name])
            whole = max(settled[name] for name in part.after)
            begin = None
            if part.needs is not None and len(times) >= part.needs:
                begin = times[part.needs - 1]
            elif times:
                begin = whole
            if begin is None:
                settled[part.name], arrived[part.name] = whole, False
                continue
        assert begin is not None
        course = expected(part.block, begin, items)
        courses.append(course)
        # What comes after a failure does not come at all.
        settled[part.name] = course.over if course.status in ("arrived", "ended") else float("inf")
        arrived[part.name] = course.status == "arrived"
    left = any(part.leaves and arrived[part.name] for part in parts)
    return _together(courses, at, "arrived" if left else "ended")


def _each(count: int, limit: int | None, block: Block, at: float, items: Items) -> Course:
    courses: list[Course] = []
    ends: list[float] = []
    for index in range(count):
        begin = at if limit is None or index < limit else sorted(ends)[index - limit]
        ends.append(float("inf"))
        if begin < float("inf"):
            courses.append(expected(block, begin, (*items, index)))
            if courses[-1].status in ("arrived", "ended"):
                ends[-1] = courses[-1].over
    return _together(courses, at, "arrived")


def _together(courses: list[Course], at: float, status: str) -> Course:
    starts = [start for course in courses for start in course.starts]
    broken = [one for one in courses if one.status in ("failed", "stopped")]
    if broken:
        first = min(broken, key=lambda one: one.over)
        return Course(first.over, first.status, [one for one in starts if one.at <= first.over])
    return Course(max([at, *(one.over for one in courses)]), status, starts)


def _caught(course: Course, catch: bool) -> Course:
    if catch and course.status == "failed":
        return Course(course.over, "arrived", course.starts)
    return course


def named(starts: list[Start]) -> dict[str, float]:
    """Step ids, with the times when they begin."""
    executions: dict[tuple[str, Items], int] = {}
    found = {}
    for start in sorted(starts, key=lambda one: one.at):
        key = (start.node, start.items)
        if start.part != "notify":  # which goes with the wait before it
            executions[key] = executions.get(key, 0) + 1
        step = step_id(start.node, start.part, items=start.items, execution=executions[key])
        found[step] = start.at
    return found


@dataclass
class Program:
    """A program, and what has called its handlers: step id → times of the attempts."""

    main: Block
    hurried: bool = False
    """Whether nothing sleeps, and handlers take a moment of real time."""
    attempts: dict[str, list[datetime]] = field(default_factory=dict)

    def ops(self) -> Iterator[Any]:
        """Everything in it, in no order."""
        blocks = [self.main]
        while blocks:
            for op in blocks.pop():
                yield op
                blocks += getattr(op, "arms", [])
                blocks += [part.block for part in getattr(op, "parts", [])]
                blocks += [op.block] if hasattr(op, "block") else []

    async def body(self, flow: Flow) -> Result | None:
        """As a workflow."""
        ended = await self._run(flow, self.main)
        assert not isinstance(ended, Again)
        return ended or flow.end("end")

    async def _run(self, flow: Flow, block: Block) -> Ended:
        for op in block:
            if (ended := await self._step(flow, op)) is not None:
                return ended
        return None

    async def _plain(self, flow: Flow, block: Block) -> Result | None:
        ended = await self._run(flow, block)
        assert not isinstance(ended, Again)
        return ended

    async def _step(self, flow: Flow, op: Any) -> Ended:
        match op:
            case Work():
                await self._work(flow, op)
            case Nap(name) if self.hurried:
                await self._work(flow, Work(name))
            case Nap(name, seconds):
                # Which item this is of, only the frame knows outside of steps.
                longer = detour(flow._frame.items)
                await flow.sleep(name, timedelta(seconds=seconds + longer))
            case Ask(name):
                await flow.approve(name)
            case End(name, terminate):
                return flow.end(name, terminate=terminate)
            case Arms(arms):
                return await flow.parallel(*(partial(self._run, flow, arm) for arm in arms))
            case Region(parts):
                return await flow.region(
                    *(
                        Branch(
                            part.name,
                            partial(self._run, flow, part.block),
                            part.after,
                            part.needs,
                            part.leaves,
                        )
                        for part in parts
                    )
                )
            case Repeat(name, rounds, block):
                return await self._repeat(flow, name, rounds, block)
            case Each(name, count, limit, catch, block):
                await flow.foreach(
                    name,
                    str(list(range(count))),
                    partial(self._plain, flow, block),
                    max_concurrency=limit,
                    catch=catch,
                )
            case Rounds(name, count, ruled, catch, block):
                await flow.loop(
                    name,
                    partial(self._plain, flow, block),
                    condition=f"iteration < {count}" if ruled else None,
                    max_iterations=count + ruled,
                    catch=catch,
                )
        return None

    async def _repeat(self, flow: Flow, name: str, rounds: int, block: Block) -> Ended:
        done = 0

        async def body() -> Ended:
            nonlocal done
            done += 1
            ended = await self._run(flow, block)
            if ended is None and done < rounds:
                return flow.again(f"{name}-last", to=name, limit=rounds - 1)
            return ended

        return await flow.repeat(name, body)

    async def _work(self, flow: Flow, op: Work) -> None:
        async def handler(task: Task) -> Any:
            step = task.idempotency_key.removeprefix(f"{task.run_id}:")
            self.attempts.setdefault(step, []).append(clock.now())
            if self.hurried:
                await asyncio.sleep(random.random() * 0.01)
            if op.fatal(items_of(step)):
                raise inngest.NonRetriableError("never")
            if task.attempt <= op.failures:
                raise RuntimeError("not yet")
            return task.node_id

        retry = Retry(5, initial_interval=10)
        got = await flow.run(op.name, handler, retry=retry, catch=op.catch)
        assert got == (None if op.catch and op.fatal(flow._frame.items) else op.name)

    def answering(self, engine: LocalEngine) -> Callable[[Observation], None]:
        """Answers approvals, each so long after it was asked for."""
        asks = {op.name: op.after for op in self.ops() if isinstance(op, Ask)}

        def observe(observation: Observation) -> None:
            if not isinstance(observation, EventReceived):
                return
            if observation.event["name"] != "approval/requested":
                return
            data = observation.event["data"]
            reply = {"tenant_id": 1, "approval_id": data["approval_id"], "approved": True}

            async def send() -> None:
                await engine.send({"name": data["answer_with"], "data": reply})

            after = asks[data["node_id"]] + detour(items_of(data["approval_id"]))
            engine.at(engine.clock.now() + timedelta(seconds=after), send)

        return observe


def items_of(step: str) -> Items:
    """The items that a step id names."""
    return tuple(int(index) for index in re.findall(r"\[(\d+)\]", step))


def made(seed: int, kinds: str, size: int = 60) -> Program:
    """A program of some kinds of ops; `size` bounds how many steps it holds, written out."""
    return Program(_Maker(random.Random(seed), kinds.split(), size).block(0))


class _Maker:
    def __init__(self, dice: random.Random, kinds: list[str], size: int) -> None:
        self.dice, self.kinds, self.left = dice, kinds, size
        self.count = 0

    def name(self) -> str:
        self.count += 1
        return f"n{self.count}"

    def nap(self) -> Nap:
        return Nap(self.name(), self.seconds())

    def seconds(self) -> int:
        """Hardly ever twice the same, so that nothing happens at the same time by chance."""
        return self.dice.randint(1, 1_000_000)

    def block(self, depth: int, times: int = 1) -> Block:
        """`times`: how often the block runs, at most."""
        ops: Block = []
        for _ in range(self.dice.randint(1, 3)):
            kind = self.dice.choice(self.kinds)
            if self.left < times or (depth > 2 and kind not in ("work", "nap", "ask", "caught")):
                kind = self.dice.choice(["work", "nap"])
            self.left -= times
            ops += self.op(kind, depth + 1, times)
            if isinstance(ops[-1], End):
                break
        return ops

    def op(self, kind: str, depth: int, times: int) -> Block:
        dice = self.dice
        match kind:
            case "nap":
                return [self.nap()]
            case "ask":
                return [Ask(self.name(), self.seconds())]
            case "fatal":
                if depth < 2 or dice.random() < 0.5:
                    return [self.nap()]
                return [self.nap(), Work(self.name(), fatal_for=dice.choice([-1, 0, 1, 2]))]
            case "caught":
                return [Work(self.name(), fatal_for=dice.choice([-1, 0, 1]), catch=True)]
            case "trial":  # of items of which one fails
                count = dice.randint(2, 4)
                fatal = Work(self.name(), fatal_for=dice.randrange(count))
                block = [*self.block(depth, times * count), self.nap(), fatal]
                block += self.block(depth, times * count)
                return [Each(self.name(), count, dice.choice([None, None, 2, 3]), True, block)]
            case "end":
                nap = self.nap()
                return [nap, End(self.name())] if depth > 1 and dice.random() < 0.5 else [nap]
            case "stop":
                nap = self.nap()
                stops = depth > 1 and dice.random() < 0.2
                return [nap, End(self.name(), terminate=True)] if stops else [nap]
            case "arms":
                return [Arms([self.block(depth, times) for _ in range(dice.randint(2, 3))])]
            case "region":
                return [self.region(depth, times)]
            case "repeat":
                rounds = dice.randint(1, 3)
                return [Repeat(self.name(), rounds, self.block(depth, times * rounds))]
            case "each":
                count, limit = dice.randint(0, 4), dice.choice([None, 1, 2, 3])
                block = self.block(depth, times * count)
                return [Each(self.name(), count, limit, dice.random() < 0.8, block)]
            case "rounds":
                count, ruled = dice.randint(1, 3), dice.random() < 0.5
                block = self.block(depth, times * count)
                return [Rounds(self.name(), count, ruled, dice.random() < 0.6, block)]
        return [Work(self.name(), dice.choice([0, 0, 0, 1, 2]))]

    def region(self, depth: int, times: int) -> Region:
        dice, parts = self.dice, list[Part]()
        for index in range(dice.randint(2, 5)):
            names = [part.name for part in parts]
            after = dice.sample(names, dice.randint(0 if index < 2 else 1, min(index, 3)))
            needs = dice.choice([None, None, 1, 2]) if len(after) > 1 else None
            # Ends with a nap, so that those before another part are over one by one.
            block = self.block(depth, times)
            if not isinstance(block[-1], End):
                block.append(self.nap())
            parts.append(Part(self.name(), block, after, needs, True))
        return Region(parts)
