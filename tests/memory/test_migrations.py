"""The migrations."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import scanwright.memory
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from scanwright.memory import schema
from scanwright.memory.database import Database
from scanwright.memory.home import Home
from scanwright.memory.migrations.config import migration_config


def test_the_code_knows_every_migration_and_the_newest() -> None:
    scripts = ScriptDirectory.from_config(migration_config())
    assert scripts.get_heads() == [schema.HEAD]
    assert {script.revision for script in scripts.walk_revisions()} == schema.KNOWN


def test_the_migrations_make_the_tables_that_the_code_describes(home: Home) -> None:
    with home._database.transaction() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, schema.metadata) == []


def test_a_migration_that_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/x.sqlite")
    with database.transaction() as connection:
        # In the way of the last table that the first migration makes.
        connection.exec_driver_sql("CREATE TABLE step_results (x)")
    try:
        database.upgrade()
    except Exception as error:
        assert "step_results" in str(error)  # noqa: PT017
    with database.transaction() as connection:
        tables = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars().all()
        assert tables == ["step_results"]
        connection.exec_driver_sql("DROP TABLE step_results")
    database.upgrade()
    database.close()


def test_the_alembic_command_makes_the_same_database(tmp_path: Path) -> None:
    ini = Path(scanwright.memory.__file__).parent / "alembic.ini"
    url = f"sqlite:///{tmp_path}/by-command.sqlite"
    command = [sys.executable, "-m", "alembic", "-c", str(ini), "-x", f"url={url}", "upgrade", "head"]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path, env=os.environ.copy())
    database = Database(url)
    database.upgrade()
    with database.transaction() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, schema.metadata) == []
    database.close()
