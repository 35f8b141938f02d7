"""scanwright serve"""

from __future__ import annotations

from pathlib import Path

import click
from scanwright.agent.cli.options import exit_codes, workbench


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="An address of this machine (loopback only).")
@click.option("--port", default=8765, show_default=True, type=click.IntRange(1, 65535))
@click.option(
    "--home", type=click.Path(path_type=Path), help="Folder with all state (default: the user's data folder)."
)
@exit_codes
def command(host: str, port: int, home: Path | None) -> int:
    """Serve the API on this machine: /health, /tools, /studies, /ask, /openapi.json."""
    import ipaddress

    import uvicorn
    from scanwright.agent.server.app import make_app
    from scanwright.tools.errors import UserInputError

    if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
        raise UserInputError(f"{host} can be reached from outside, and this server has no sign-in yet: use 127.0.0.1.")
    with workbench(home) as bench:
        uvicorn.run(make_app(bench), host=host, port=port, log_level="warning")
    return 0
