"""Applies ``sql/migrations/NNNN_<what>.sql`` in order, each once and in a transaction of its own."""

import hashlib
from pathlib import Path

import asyncpg

from storage import queries
from storage.errors import TROUBLE, MigrationChanged, StatementFailed, translate
from storage.postgres import Connection, connect

DIRECTORY = Path(__file__).resolve().parent.parent / "sql" / "migrations"
Q = queries.load("house")


async def migrate(dsn: str, directory: Path = DIRECTORY) -> list[str]:
    """Bring the database up to date and return the names of what was applied now.

    Several processes may call it at once: one works, the others wait for it. When a migration fails, those before
    it stay applied and nothing of it does.

    Raises:
        MigrationChanged: an applied file is missing or its text has changed. Nothing was applied.
        DatabaseUnavailable, StatementFailed: see `storage.errors`.
    """
    files = _read(directory)
    connection = await connect(dsn, "posthouse-migrate", command_timeout_seconds=300.0, settings=_PATIENT)
    try:
        await connection.execute(Q.lock_migrations.sql)
        await connection.execute(Q.create_migration_table.sql)
        return await _apply(connection, files)
    except TROUBLE as error:
        raise translate(error) from error
    finally:
        await connection.close(timeout=2)


_PATIENT = {"statement_timeout": "0", "lock_timeout": "0", "idle_in_transaction_session_timeout": "0"}


async def _apply(connection: Connection, files: dict[str, str]) -> list[str]:
    applied = {row["name"]: row["checksum"] for row in await connection.fetch(Q.list_migrations.sql)}
    for name, checksum in applied.items():
        if name not in files:
            raise MigrationChanged(f"{name} has been applied to this database, and its file is missing")
        if _checksum(files[name]) != checksum:
            raise MigrationChanged(f"{name} has been applied to this database, and its file has changed since")
    missing = [name for name in files if name not in applied]
    for name in missing:
        try:
            async with connection.transaction():
                await connection.execute(files[name])
                await connection.execute(Q.insert_migration.sql, name, _checksum(files[name]))
        except asyncpg.PostgresError as error:
            raise StatementFailed(f"sql/migrations/{name}.sql: {error}") from error
    return missing


def _read(directory: Path) -> dict[str, str]:
    return {path.stem: path.read_text("utf-8") for path in sorted(directory.glob("*.sql"))}


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
