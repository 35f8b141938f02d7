"""scanwright serve"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from scanwright.agent.cli.options import exit_codes, workbench

if TYPE_CHECKING:
    from types import FrameType

    from scanwright.agent.server.signin import SignIn
    from scanwright.agent.workbench import Workbench


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="An address of this machine.")
@click.option("--port", default=8765, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option("--token-file", type=click.Path(path_type=Path), help="A file with the token that clients must show.")
@click.option(
    "--home", type=click.Path(path_type=Path), help="Folder with all state (default: the user's data folder)."
)
@exit_codes
def command(host: str, port: int, token_file: Path | None, home: Path | None) -> int:
    """Serve the page and the API on this machine. Other machines reach it only with a token (--host)."""
    with workbench(home) as bench:
        return _serve(bench, host, port, token_file)


def _serve(bench: Workbench, host: str, port: int, token_file: Path | None) -> int:
    import secrets

    import uvicorn
    from scanwright.agent.server.app import make_app
    from scanwright.agent.server.desk import Desk
    from scanwright.agent.server.listening import announced, listener, log_as_json
    from scanwright.agent.server.safety import is_loopback

    sign_in, fresh = _sign_in(bench, host, token_file)
    socket, address = listener(host, port)
    # This machine's own commands show a token of their own, which lies in the home beside the data it opens.
    own = secrets.token_urlsafe(32)
    sign_in.add(own)
    log_as_json()
    with socket, Desk(bench) as desk, announced(desk.home.path, address, own):
        click.echo(f"Scanwright is at {address} (research use only: this is not a medical device).", err=True)
        if fresh is not None:
            click.echo(f"Its token, shown once: {fresh}", err=True)
        anyone = host in ("0.0.0.0", "::")
        app = make_app(desk, sign_in=sign_in, hosts=None if anyone else (host,))
        config = uvicorn.Config(
            app, log_config=None, access_log=False, server_header=False, proxy_headers=not is_loopback(host),
            timeout_graceful_shutdown=3, h11_max_incomplete_event_size=64 * 1024,
        )  # fmt: skip
        server = uvicorn.Server(config)
        stop = server.handle_exit

        def closing(sig: int, frame: FrameType | None) -> None:
            desk.feed.close()
            stop(sig, frame)

        # Streams of events end by themselves never; a server that waited for them would not end either.
        server.handle_exit = closing  # type: ignore[method-assign]
        server.run(sockets=[socket])
    return 0


def _sign_in(bench: Workbench, host: str, token_file: Path | None) -> tuple[SignIn, str | None]:
    """Who may ask, and a token that was made for it just now."""
    import secrets

    from scanwright.agent.server.safety import is_loopback
    from scanwright.agent.server.signin import SignIn, openid, token_from

    provider = openid(bench.settings.server)
    sign_in = SignIn(required=not is_loopback(host) or token_file is not None or provider is not None, oidc=provider)
    fresh = None
    if token_file is not None:
        sign_in.add(token_from(token_file))
    elif sign_in.required and provider is None:
        fresh = secrets.token_urlsafe(32)
        sign_in.add(fresh)
    return sign_in, fresh
