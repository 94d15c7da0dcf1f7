"""An empty database of inbound's with nothing but its outbox."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text

from common.db import Database, metadata, open_database
from common.outbox import outbox_table

tables = metadata()
table = outbox_table(tables)


@contextmanager
def opened(url: str) -> Iterator[Database]:
    """The database at this URL, with the table made; closed at the end."""
    database = open_database(url, "inbound")
    engine = database.fresh_engine()
    with engine.begin() as connection:
        if database.postgresql:
            connection.execute(text("CREATE SCHEMA inbound"))
        tables.create_all(connection)
    engine.dispose()
    yield database
    database.close()
