"""Runs the migrations: on the connection that Home hands over, or on a URL given to the `alembic` command.

alembic -c memory/alembic.ini -x url=sqlite:////path/to/scanwright.sqlite upgrade head
"""

from __future__ import annotations

from alembic import context
from scanwright.memory.database import Database
from scanwright.memory.schema import metadata
from sqlalchemy import Connection


def _run_on(connection: Connection) -> None:
    # Together with BEGIN IMMEDIATE (database.py) this makes a migration that is killed leave nothing behind.
    context.configure(connection=connection, target_metadata=metadata, transactional_ddl=True)
    context.run_migrations()


def _run() -> None:
    given = context.config.attributes.get("connection")
    if given is not None:
        _run_on(given)
        return
    url = context.get_x_argument(as_dictionary=True).get("url") or context.config.get_main_option("sqlalchemy.url")
    if not url:
        raise SystemExit("Name the database: alembic -x url=sqlite:////path/to/scanwright.sqlite …")
    if context.is_offline_mode():
        context.configure(url=url, target_metadata=metadata, literal_binds=True)
        context.run_migrations()
        return
    database = Database(url)
    with database.transaction() as connection:
        _run_on(connection)
    database.close()


_run()
