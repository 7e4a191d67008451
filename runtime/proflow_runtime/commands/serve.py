"""`proflow serve` runs the service; `proflow token` manages its tokens."""

import os
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar

import typer
from proflow_compiler.commands.terminal import (
    check_timezone,
    echo,
    guarded,
    note,
    refuse,
    safe,
    usage,
)
from proflow_schemas.language.system_errors import reason

from proflow_runtime.commands.db import Database, database_url
from proflow_runtime.context.extras import needing

if TYPE_CHECKING:
    import socket

    from proflow_runtime.handlers.lifespan import LifespanError

T = TypeVar("T")
token = typer.Typer(no_args_is_help=True)
HOST, PORT = "127.0.0.1", 8000
TOKEN_FILE = "proflow-token.txt"
"""Where the first token is put if there is no terminal, in the working directory."""
DEMO_DATABASE = "sqlite://proflow-demo.db"


@needing("service", "`proflow serve`")
def serve(
    local: Annotated[
        bool,
        typer.Option("--local", help="Run everything in this process, with no Inngest server."),
    ] = False,
    host: Annotated[str, typer.Option(help="The address to listen at.")] = HOST,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The port; 0 uses any free one.")
    ] = PORT,
    database: Database = None,
    handlers: Annotated[
        str | None, typer.Option(metavar="MODULE", help="The module that holds the handlers.")
    ] = None,
    origin: Annotated[
        str | None, typer.Option(metavar="URL", help="This service's address as Inngest sees it.")
    ] = None,
    dashboard: Annotated[
        str | None,
        typer.Option(metavar="URL", help="The address of Inngest's web pages, for links."),
    ] = None,
    timezone: Annotated[
        str | None,
        typer.Option(
            metavar="ZONE",
            envvar="PROFLOW_TIMEZONE",
            help="The time zone of tenants that have set none, such as Asia/Shanghai; UTC by default.",
        ),
    ] = None,
    demo: Annotated[
        bool,
        typer.Option("--demo", help="With --local: serve a small example company."),
    ] = False,
) -> None:
    """Serve designs, runs and approvals of all tenants."""
    if demo and not local:
        refuse("--demo runs everything here: give --local, too")
    if demo and handlers is not None:
        usage("--demo brings its own handlers: leave --handlers out")
    check_timezone(timezone)
    from proflow_runtime.context import environment

    environment.check_all()
    if not local and not environment.read(environment.Inngest).is_known:
        usage(
            "there is no Inngest: set INNGEST_DEV=1, or INNGEST_BASE_URL with INNGEST_EVENT_KEY"
            " and INNGEST_SIGNING_KEY, or run everything here with --local"
        )
    import asyncio
    import logging

    import inngest
    from proflow_compiler.commands.loading import load_handlers

    from proflow_runtime.client import client as configured
    from proflow_runtime.handlers.lifespan import LifespanError
    from proflow_runtime.handlers.registry import Registry
    from proflow_runtime.service import demo as demonstration
    from proflow_runtime.service.demo import Invitation, steps
    from proflow_runtime.service.facade import ProFlow
    from proflow_runtime.service.logs import log_to_stderr
    from proflow_runtime.service.server import ServerConfig, run_server
    from proflow_runtime.service.settings import ProFlowSettings
    from proflow_runtime.store.database import DatabaseError, shown

    invitations: list[Invitation] = []
    if demo:
        registry = Registry.from_module(steps)
        url = database or DEMO_DATABASE
    else:
        registry = Registry.from_module(load_handlers(handlers)) if handlers else Registry()
        url = database_url(database)
    logger = logging.getLogger("proflow.inngest")
    client = (
        inngest.Inngest(app_id=configured.app_id, is_production=False, logger=logger)
        if local
        else configured
    )
    listening = _listen(host, port)
    address = f"http://{_shown_host(host)}:{listening.getsockname()[1]}"

    async def prepare(proflow: ProFlow) -> None:
        invitations.extend(await demonstration.prepare(proflow))

    def ready(first: str | None) -> None:
        if demo:
            echo("open the page as one of these people:\n")
            for one in invitations:
                echo(f"  {one.user} ({one.name}, {one.part}): {address}/#token={one.token}\n")
        elif first is not None:
            _hand_over_token(first)
        echo(f"serving {address} on {shown(url)}\n")

    log_to_stderr()
    settings = ProFlowSettings(
        serve_origin=None if local else origin, dashboard=dashboard, timezone=timezone
    )
    engine = None
    if local:
        # Imported only here, so that serving for an Inngest server does not load the engine.
        from proflow_runtime.local.durable_engine import durable_engine

        engine = durable_engine
    given = ServerConfig(
        *(client, registry, url, listening, settings, ready),
        engine=engine,
        admit=demonstration.admit if demo else None,
        prepare=prepare if demo else None,
    )
    try:
        asyncio.run(run_server(given))
    except DatabaseError as error:
        refuse(error.message if error.help is None else f"{error.message}; {error.help}")
    except demonstration.DemoError as error:
        refuse(str(error))
    except LifespanError as error:
        refuse_lifespan(error)
    finally:
        listening.close()
    note("stopped")


def _hand_over_token(first: str) -> None:
    """Show the first token on a terminal; else put it into a file, because output is often logged."""
    if sys.stdout.isatty():
        echo(f"token of the administrator of tenant 1, shown only now: {first}\n")
        return
    try:
        number = os.open(TOKEN_FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with open(number, "w", encoding="ascii") as file:
            os.fchmod(number, 0o600)
            file.write(f"{first}\n")
    except OSError as error:
        echo(
            f"the token of the administrator of tenant 1 cannot be written to {TOKEN_FILE}"
            f" ({error.strerror}): make one with `proflow token create`\n"
        )
        return
    path = os.path.abspath(TOKEN_FILE)
    echo(f"token of the administrator of tenant 1: in {path}; delete it when you have it\n")


def refuse_lifespan(error: "LifespanError") -> NoReturn:
    """End the command because the handlers' lifespan could not be entered or exited.

    The lifespan may have left a connection open, whose thread would keep the process from ending.
    """
    import threading

    typer.echo(f"error: {safe(str(error))}", err=True)
    if any(not one.daemon for one in threading.enumerate() if one is not threading.main_thread()):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(1)
    raise typer.Exit(1)


@token.callback()
def _group() -> None:
    """Create, list and revoke the tokens that give access to the service."""


@token.command("create")
@guarded
@needing("service", "`proflow token`")
def create_token(
    tenant: Annotated[int, typer.Option(min=1, max=2**31 - 1)],
    user: Annotated[str, typer.Option(help="The host's id of the user.")],
    permission: Annotated[
        list[str] | None,
        typer.Option(
            help="What the token allows besides taking part in runs: runs:read, designs:write,"
            " approvals:admin, tenant:admin or system:admin; may be repeated."
        ),
    ] = None,
    name: Annotated[str, typer.Option(help="What the token is for.")] = "",
    expires: Annotated[
        str,
        typer.Option(metavar="DURATION", help="The lifetime, such as 30d; at most 400d."),
    ] = "90d",
    database: Database = None,
) -> None:
    """Create a token and print it; it cannot be shown again."""
    from proflow_schemas.durations import DurationError, parse_duration

    from proflow_runtime.context import clock
    from proflow_runtime.context.permissions import PERMISSIONS
    from proflow_runtime.store import administration, tokens

    if unknown := sorted(set(permission or ()) - set(PERMISSIONS)):
        known = ", ".join(PERMISSIONS)
        usage(f"--permission: there is no permission `{unknown[0]}`; there are {known}")
    if not user.strip() or len(user) > 200 or len(name) > 100:
        usage("--user has 1 to 200 characters, --name at most 100")
    try:
        lifetime = parse_duration(expires)
    except (DurationError, OverflowError) as error:
        usage(f"--expires: {error}")
    if lifetime > tokens.LONGEST:
        usage(f"--expires: a token expires after at most {tokens.LONGEST.days}d")

    async def created() -> str:
        made = await tokens.create(
            tenant,
            user,
            name=name or user[:100],
            permissions=permission or [],
            expires_at=clock.now() + lifetime,
        )
        await administration.record(
            *(tenant, _operator(), "token-created", made.token.id),
            address=administration.COMMAND_LINE,
            details={"user": user, "permissions": permission or []},
        )
        return made.plain

    echo(f"{_within(database, created)}\n")


@token.command("list")
@guarded
@needing("service", "`proflow token`")
def list_tokens(
    tenant: Annotated[int, typer.Option(min=1, max=2**31 - 1)], database: Database = None
) -> None:
    """List a tenant's tokens, without their secret texts."""
    from proflow_runtime.store import tokens

    async def lines() -> str:
        found = await tokens.listed(tenant, limit=500)
        return "".join(
            f"{one.id}\t{one.user}\t{','.join(one.permissions) or '-'}\t{one.name}\t{_state(one)}\n"
            for one in found.items
        )

    echo(_within(database, lines))


@token.command("revoke")
@guarded
@needing("service", "`proflow token`")
def revoke_token(
    number: Annotated[int, typer.Argument(metavar="ID", min=1)],
    tenant: Annotated[int, typer.Option(min=1, max=2**31 - 1)],
    database: Database = None,
) -> None:
    """Revoke a token for good."""
    from proflow_runtime.store import administration, tokens

    async def revoked() -> bool:
        if not await tokens.revoke(tenant, number):
            return False
        await administration.record(
            *(tenant, _operator(), "token-revoked", number), address=administration.COMMAND_LINE
        )
        return True

    if not _within(database, revoked):
        refuse(f"tenant {tenant} has no token {number} that could be revoked")


def _state(one: object) -> str:
    if getattr(one, "revoked_at", None) is not None:
        return "revoked"
    return f"until {one.expires_at:%Y-%m-%d}"  # type: ignore[attr-defined]


def _operator() -> str:
    """Return the account of the operating system that runs the command."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def _within(database: str | None, action: Callable[[], Awaitable[T]]) -> T:
    """Perform an action while the database of the command is open."""
    import asyncio

    from proflow_runtime.store.database import DatabaseError, connect

    async def within() -> T:
        async with connect(database_url(database)):
            return await action()

    try:
        return asyncio.run(within())
    except DatabaseError as error:
        refuse(error.message if error.help is None else f"{error.message}; {error.help}")


def _listen(host: str, port: int) -> "socket.socket":
    """Open the listening socket, first of all, so that a port in use is reported at once."""
    import socket

    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(2048)
    except OSError as error:
        refuse(f"cannot listen at {host}:{port}: {reason(error)}")
    return listening


def _shown_host(host: str) -> str:
    return f"[{host}]" if ":" in host else host
