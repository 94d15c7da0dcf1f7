"""What both databases say differently, said once: the clock, inserting what is new, names of constraints."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Double, MetaData, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


def metadata() -> MetaData:
    """A MetaData whose constraints and indexes have predictable names, as migrations need them."""
    return MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def insert_once(tx: Connection, table: Table, values: Mapping[str, Any]) -> bool:
    """Insert the row unless a unique key of the table has it already; True if it was inserted. Values may be SQL expressions."""
    insert = postgresql.insert(table) if tx.dialect.name == "postgresql" else sqlite.insert(table)
    statement = insert.values(**values).on_conflict_do_nothing().returning(*table.primary_key)
    return tx.execute(statement).first() is not None


def insert_all_once(tx: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Insert those rows whose unique keys are new, in one statement; returns them in order. Rows carry the primary key."""
    if not rows:
        return []
    keys = [column.name for column in table.primary_key]
    insert = postgresql.insert(table) if tx.dialect.name == "postgresql" else sqlite.insert(table)
    statement = insert.on_conflict_do_nothing().returning(*table.primary_key)
    new = {tuple(row) for row in tx.execute(statement, [dict(row) for row in rows])}
    inserted = []
    for row in rows:
        key = tuple(row[name] for name in keys)
        if key in new:
            new.remove(key)
            inserted.append(row)
    return inserted


class now(FunctionElement[float]):  # noqa: N801 - reads as a function in SQL expressions
    """The SQL expression for seconds since 1970 by the database's clock, as double precision, fixed for one statement."""

    type = Double()
    inherit_cache = True


@compiles(now, "sqlite")
def _now_sqlite(element: object, compiler: object, **options: object) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(now, "postgresql")
def _now_postgresql(element: object, compiler: object, **options: object) -> str:
    # Not clock_timestamp(): that is volatile, and an index is not used for a comparison with a volatile value.
    return "extract(epoch from statement_timestamp())::double precision"
