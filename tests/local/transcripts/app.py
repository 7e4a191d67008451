"""The app of the recorded transcripts: plain functions of the Inngest SDK, one behaviour each.

Function "<x>" is triggered by event "conf/<x>" unless said otherwise. Everything is deterministic:
no clocks, no randomness, except where a test is about time.
"""

import asyncio
import datetime
import os

import fastapi
import inngest
import inngest.fast_api

BASE = os.environ.get("INNGEST_DEV", "http://127.0.0.1:8288")
client = inngest.Inngest(
    app_id="conformance", is_production=False, api_base_url=BASE, event_api_base_url=BASE
)
RACE = inngest.ParallelMode.RACE
FNS: list = []
CRON_FNS: list = []


def sec(n):
    return datetime.timedelta(seconds=n)


def fn(fn_id, trigger=None, into=FNS, **kw):
    def deco(f):
        o = client.create_function(
            fn_id=fn_id, trigger=trigger or inngest.TriggerEvent(event=f"conf/{fn_id}"), **kw
        )(f)
        into.append(o)
        return o

    return deco


def give(value):
    async def handler():
        return value

    return handler


def slow(value, seconds):
    async def handler():
        await asyncio.sleep(seconds)
        return value

    return handler


def boom(message="kaput", kind=ValueError):
    async def handler():
        raise kind(message)

    return handler


# --- sequential, time --------------------------------------------------------------------------
@fn("seq")  # no `retries`: the default
async def seq(ctx: inngest.Context):
    a = await ctx.step.run("a", give({"v": 1}))
    b = await ctx.step.run("b", give({"v": a["v"] + 1, "of": a}))
    c = await ctx.step.run("c", give([a["v"], b["v"]]))
    return {"a": a, "b": b, "c": c, "in": ctx.event.data}


@fn("nosteps", retries=0)
async def nosteps(ctx: inngest.Context):
    return "plain"


@fn("sleep", retries=0)
async def sleep(ctx: inngest.Context):
    await ctx.step.run("before", give(1))
    slept = await ctx.step.sleep("nap", 1200)
    await ctx.step.run("after", give(2))
    return {"slept": slept}


@fn("sleep_until", retries=0)
async def sleep_until(ctx: inngest.Context):
    until = datetime.datetime.fromtimestamp(ctx.event.ts / 1000, datetime.UTC) + sec(2)
    await ctx.step.sleep_until("until", until)
    await ctx.step.sleep_until("past", datetime.datetime(2001, 1, 1, tzinfo=datetime.UTC))
    return "awake"


# --- waiting -----------------------------------------------------------------------------------
def seen(ev):
    return None if ev is None else {"name": ev.name, "data": ev.data}


@fn("wait_answered", retries=0)
async def wait_answered(ctx: inngest.Context):
    ev = await ctx.step.wait_for_event(
        "w", event="conf/answer", if_exp='async.data.key == "k1"', timeout=sec(20)
    )
    return seen(ev)


@fn("wait_timeout", retries=0)
async def wait_timeout(ctx: inngest.Context):
    ev = await ctx.step.wait_for_event("w", event="conf/never", timeout=sec(2))
    return seen(ev)


@fn("wait_early", retries=0)
async def wait_early(ctx: inngest.Context):
    """The event arrives while the step before the wait runs: it is not seen."""
    await ctx.step.run("before", slow("done", 1.0))
    ev = await ctx.step.wait_for_event(
        "w", event="conf/early", if_exp='async.data.key == "k1"', timeout=sec(2)
    )
    return seen(ev)


@fn("wait_two", retries=0)
async def wait_two(ctx: inngest.Context):
    """Two waits of one run, satisfied by one event."""

    async def one():
        ev = await ctx.step.wait_for_event(
            "w1", event="conf/both", if_exp='async.data.key == "k1"', timeout=sec(20)
        )
        return [seen(ev), await ctx.step.run("after1", give("r1"))]

    async def two():
        ev = await ctx.step.wait_for_event("w2", event="conf/both", timeout=sec(20))
        return [seen(ev), await ctx.step.run("after2", give("r2"))]

    return await ctx.group.parallel((one, two), parallel_mode=RACE)


@fn("wait_shared", retries=0)
async def wait_shared(ctx: inngest.Context):
    """Two runs wait for the same event: both are woken."""
    ev = await ctx.step.wait_for_event("w", event="conf/shared", timeout=sec(20))
    return seen(ev)


@fn("wait_bad_expr", retries=1)
async def wait_bad_expr(ctx: inngest.Context):
    ev = await ctx.step.wait_for_event(
        "w", event="conf/never", if_exp="this is bad (", timeout=sec(2)
    )
    return seen(ev)


# --- events and invocations --------------------------------------------------------------------
@fn("send", retries=0)
async def send(ctx: inngest.Context):
    ids = await ctx.step.send_event(
        "emit",
        [
            inngest.Event(name="conf/received", data={"n": 1}, id=f"conf-send-{ctx.event.id}"),
            inngest.Event(name="conf/nobody", data={"n": 2}),
        ],
    )
    return {"sent": len(ids)}


@fn("receiver", trigger=inngest.TriggerEvent(event="conf/received"), retries=0)
async def receiver(ctx: inngest.Context):
    return {"got": ctx.event.data, "id": ctx.event.id}


@fn("child", retries=0)
async def child(ctx: inngest.Context):
    x = await ctx.step.run("work", give({"doubled": 2 * ctx.event.data.get("n", 0)}))
    return {"child": x, "name": ctx.event.name}


@fn("child_fails", retries=0)
async def child_fails(ctx: inngest.Context):
    raise ValueError("child is broken")


@fn("child_slow", retries=0)
async def child_slow(ctx: inngest.Context):
    await ctx.step.sleep("long", sec(5))
    return "late"


@fn("invoke_ok", retries=0)
async def invoke_ok(ctx: inngest.Context):
    return await ctx.step.invoke("call", function=child, data={"n": 21})


async def told(coro):
    try:
        return {"ok": await coro}
    except inngest.StepError as e:
        return {"class": type(e).__name__, "name": e.name, "message": e.message}


@fn("invoke_fails", retries=0)
async def invoke_fails(ctx: inngest.Context):
    out = await told(ctx.step.invoke("call", function=child_fails, data={}))
    return [out, await ctx.step.run("after", give("went on"))]


@fn("invoke_unknown", retries=1)
async def invoke_unknown(ctx: inngest.Context):
    return await told(ctx.step.invoke_by_id("call", function_id="no-such-function", data={}))


@fn("invoke_timeout", retries=0)
async def invoke_timeout(ctx: inngest.Context):
    return await told(ctx.step.invoke("call", function=child_slow, data={}, timeout=sec(2)))


@fn("invoke_cancelled", retries=0)
async def invoke_cancelled(ctx: inngest.Context):
    return await told(ctx.step.invoke("call", function=child_slow, data={}))


# --- failures ----------------------------------------------------------------------------------
@fn("flaky", retries=2)
async def flaky(ctx: inngest.Context):
    async def handler():
        if ctx.attempt < 2:
            raise ValueError(f"attempt {ctx.attempt}")
        return f"ok at {ctx.attempt}"

    a = await ctx.step.run("flaky", handler)
    return [a, await ctx.step.run("after", give("next"))]


@fn("step_fails", retries=1)
async def step_fails(ctx: inngest.Context):
    await ctx.step.run("bad", boom())
    return "unreachable"


@fn("step_caught", retries=1)
async def step_caught(ctx: inngest.Context):
    out = await told(ctx.step.run("bad", boom()))
    return [out, await ctx.step.run("after", give("went on"))]


@fn("nonretriable", retries=3)
async def nonretriable(ctx: inngest.Context):
    await ctx.step.run("one", give(1))
    raise inngest.NonRetriableError("never again")


@fn("nonretriable_step", retries=3)
async def nonretriable_step(ctx: inngest.Context):
    await ctx.step.run("bad", boom("never again", inngest.NonRetriableError))


@fn("nonretriable_caught", retries=3)
async def nonretriable_caught(ctx: inngest.Context):
    try:
        await ctx.step.run("bad", boom("never again", inngest.NonRetriableError))
        out = "ok"
    except Exception as e:
        out = type(e).__name__
    return [out, await ctx.step.run("after", give("went on"))]


@fn("retry_after", retries=2)
async def retry_after(ctx: inngest.Context):
    async def handler():
        if ctx.attempt == 0:
            raise inngest.RetryAfterError("later", sec(3))
        return f"ok at {ctx.attempt}"

    return await ctx.step.run("ra", handler)


@fn("body_error", retries=1)
async def body_error(ctx: inngest.Context):
    await ctx.step.run("one", give(1))
    raise RuntimeError("outside any step")


@fn("body_recovers", retries=2)
async def body_recovers(ctx: inngest.Context):
    await ctx.step.run("one", give(1))
    if ctx.attempt == 0:
        raise RuntimeError("outside any step")
    at = ctx.attempt
    await ctx.step.run("two", give(2))
    return {"attempt_seen": at}


@fn("unserialisable", retries=1)
async def unserialisable(ctx: inngest.Context):
    return await told(ctx.step.run("bad", give({1, 2})))


@fn("unserialisable_result", retries=1)
async def unserialisable_result(ctx: inngest.Context):
    await ctx.step.run("one", give(1))
    return {1, 2}


@fn("nested_step", retries=1)
async def nested_step(ctx: inngest.Context):
    async def outer():
        return await ctx.step.run("inner", give(1))

    return await ctx.step.run("outer", outer)


async def on_failure(ctx: inngest.Context):
    await ctx.step.run("handled", give(ctx.event.data["error"]["message"]))
    return "handled"


@fn("with_on_failure", retries=0, on_failure=on_failure)
async def with_on_failure(ctx: inngest.Context):
    raise RuntimeError("see on_failure")


# --- parallel ----------------------------------------------------------------------------------
@fn("race", retries=0)
async def race(ctx: inngest.Context):
    return await ctx.group.parallel(
        tuple(
            (lambda x=x, d=d: ctx.step.run(x, slow(x.upper(), d)))
            for x, d in (("p", 0.0), ("q", 0.3), ("r", 0.6))
        ),
        parallel_mode=RACE,
    )


@fn("parallel_wait", retries=0)
async def parallel_wait(ctx: inngest.Context):
    """Default mode (WAIT): branches in lockstep."""

    async def left():
        a = await ctx.step.run("l1", give("l1"))
        return [a, await ctx.step.run("l2", give("l2"))]

    async def right():
        await ctx.step.sleep("nap", 1500)
        return await ctx.step.run("r2", give("r2"))

    return await ctx.group.parallel((left, right))


@fn("race_branches", retries=0)
async def race_branches(ctx: inngest.Context):
    """The same two branches in RACE mode: independent."""

    async def left():
        a = await ctx.step.run("l1", give("l1"))
        return [a, await ctx.step.run("l2", give("l2"))]

    async def right():
        await ctx.step.sleep("nap", 1500)
        return await ctx.step.run("r2", give("r2"))

    return await ctx.group.parallel((left, right), parallel_mode=RACE)


@fn("race_errors", retries=1)
async def race_errors(ctx: inngest.Context):
    async def flaky_once():
        if ctx.attempt == 0:
            raise ValueError("once")
        return f"ok at {ctx.attempt}"

    async def a():
        return await ctx.step.run("flaky", flaky_once)

    async def b():
        return await told(ctx.step.run("bad", boom("for good")))

    async def c():
        return await ctx.step.run("good", give("good"))

    return await ctx.group.parallel((a, b, c), parallel_mode=RACE)


@fn("race_then_step", retries=0)
async def race_then_step(ctx: inngest.Context):
    """A plain step after a group: planned, and possibly executed more than once."""
    got = await ctx.group.parallel(
        (lambda: ctx.step.run("p", give("P")), lambda: ctx.step.run("q", slow("Q", 0.3))),
        parallel_mode=RACE,
    )
    return [
        list(got),
        await ctx.step.run("after", give("A")),
        await ctx.step.run("last", give("L")),
    ]


@fn("early_end", retries=0)
async def early_end(ctx: inngest.Context):
    """Returns while another branch still sleeps."""

    class End(Exception):
        pass

    async def a():
        await ctx.step.run("quick", give("Q"))
        raise End()

    async def b():
        await ctx.step.sleep("long", sec(4))
        return await ctx.step.run("after_long", give("never seen"))

    try:
        return await ctx.group.parallel((b, a), parallel_mode=RACE)
    except End:
        return "ended early"


class Unsettled(Exception):
    pass


async def region(ctx, nodes):
    """Topological region: nodes = [(id, needs, op)], in topological order."""
    done: dict = {}

    def callable_of(nid, needs, op):
        async def run():
            if all(n in done for n in needs):
                done[nid] = await op(nid)
            return nid

        return run

    await ctx.group.parallel(tuple(callable_of(*n) for n in nodes), parallel_mode=RACE)
    if len(done) < len(nodes):
        raise Unsettled("a targeted pass that missed its target")
    return done


@fn("topo_n", retries=4)
async def topo_n(ctx: inngest.Context):
    """N shape: c needs a; d needs a and b; e needs c and d."""

    def step(value, seconds=0.0):
        return lambda nid: ctx.step.run(nid, slow(value, seconds))

    return await region(
        ctx,
        [
            ("a", (), step("A")),
            ("b", (), step("B", 0.6)),
            ("c", ("a",), step("C")),
            ("d", ("a", "b"), step("D")),
            ("e", ("c", "d"), step("E")),
        ],
    )


def approval(ctx, prefix, key):
    """Two callables: arm the wait first, then notify."""

    async def wait():
        ev = await ctx.step.wait_for_event(
            f"{prefix}.wait",
            event="conf/approved",
            if_exp=f'async.data.key == "{key}"',
            timeout=sec(20),
        )
        return None if ev is None else ev.data["by"]

    async def notify():
        return await ctx.step.run(f"{prefix}.notify", give(f"please approve {key}"))

    return wait, notify


@fn("approval", retries=4)
async def approval_armed(ctx: inngest.Context):
    return await ctx.group.parallel(approval(ctx, "ap", "k1"), parallel_mode=RACE)


@fn("approval_branch", retries=4)
async def approval_branch(ctx: inngest.Context):
    """The approval inside a region: prep -> approval -> ship, beside an independent chain x -> y."""
    done: dict = {}
    wait, notify = approval(ctx, "ap", "k2")

    async def prep():
        done["prep"] = await ctx.step.run("prep", give("ready"))

    async def armed():
        if "prep" in done:
            done["approval"] = await wait()

    async def tell():
        if "prep" in done:
            await notify()
            done["told"] = True

    async def ship():
        if "approval" in done:
            done["ship"] = await ctx.step.run("ship", give("shipped"))

    async def x():
        done["x"] = await ctx.step.run("x", give("X"))

    async def y():
        if "x" in done:
            done["y"] = await ctx.step.run("y", give("Y"))

    await ctx.group.parallel((prep, armed, tell, ship, x, y), parallel_mode=RACE)
    if not {"prep", "told", "approval", "ship", "x", "y"} <= set(done):
        raise Unsettled("a targeted pass that missed its target")
    return done


# --- ids, outputs ------------------------------------------------------------------------------
@fn("loop", retries=0)
async def loop(ctx: inngest.Context):
    out = []
    for i in range(3):
        out.append(await ctx.step.run("same", give(i)))
    await ctx.step.sleep("same", 1000)
    return out


@fn("outputs", retries=0)
async def outputs(ctx: inngest.Context):
    values = {
        "null": None,
        "list": [1, "two", None, [3.5]],
        "tuple": (1, 2),
        "string": "text",
        "unicode": 'zażółć ✓ 😀 \u2028 \\ " \n',
        "int": 2**53 + 1,
        "float": 1.0,
        "false": False,
        "empty": {},
        "data_key": {"data": 1},
        "error_key": {"error": {"name": "X", "message": "y"}},
        "html": "<a href='x'>&</a>",
    }
    return {k: await ctx.step.run(k, give(v)) for k, v in values.items()}


@fn("result_null", retries=0)
async def result_null(ctx: inngest.Context):
    await ctx.step.run("one", give(None))
    return


# --- cancellation ------------------------------------------------------------------------------
@fn(
    "cancellable",
    retries=0,
    cancel=[inngest.Cancel(event="conf/cancel", if_exp="event.data.key == async.data.key")],
)
async def cancellable(ctx: inngest.Context):
    await ctx.step.run("one", give(1))
    await ctx.step.sleep("long", sec(30))
    return "not cancelled"


@fn("finish_timeout", retries=0, timeouts=inngest.Timeouts(finish=sec(2)))
async def finish_timeout(ctx: inngest.Context):
    await ctx.step.sleep("long", sec(4))
    return "not cancelled"


# --- triggers ----------------------------------------------------------------------------------
def _fan(n):
    @fn(f"fan_{n}", trigger=inngest.TriggerEvent(event="conf/fan"), retries=0)
    async def fan(ctx: inngest.Context):
        return f"fan {n}"


for _n in (1, 2, 3):
    _fan(_n)


@fn(
    "filtered",
    trigger=inngest.TriggerEvent(
        event="conf/filtered", expression="event.data.amount > 100 && event.data.kind == 'x'"
    ),
    retries=0,
)
async def filtered(ctx: inngest.Context):
    return ctx.event.data["amount"]


@fn("timed", retries=0)
async def timed(ctx: inngest.Context):
    return ctx.event.data


@fn("same_id", retries=0)
async def same_id(ctx: inngest.Context):
    return {"data": ctx.event.data, "id": ctx.event.id}


# --- listeners of the server's own events ------------------------------------------------------
@fn("on_finished", trigger=inngest.TriggerEvent(event="inngest/function.finished"), retries=0)
async def on_finished(ctx: inngest.Context):
    return ctx.event.data["function_id"]


@fn("on_failed", trigger=inngest.TriggerEvent(event="inngest/function.failed"), retries=0)
async def on_failed(ctx: inngest.Context):
    return ctx.event.data["function_id"]


@fn("on_cancelled", trigger=inngest.TriggerEvent(event="inngest/function.cancelled"), retries=0)
async def on_cancelled(ctx: inngest.Context):
    return ctx.event.data["function_id"]


# --- cron (served only on demand: it would tick through every other scenario) -------------------
# The server refuses "@every 1s" and six-field expressions ("isn't a valid cron schedule"): the minute is the finest.
@fn("cron", trigger=inngest.TriggerCron(cron="* * * * *"), into=CRON_FNS, retries=0)
async def cron(ctx: inngest.Context):
    return ctx.event.name


def create_app(with_cron: bool = False) -> fastapi.FastAPI:
    a = fastapi.FastAPI()
    inngest.fast_api.serve(a, client, FNS + (CRON_FNS if with_cron else []))
    return a


app = create_app()
