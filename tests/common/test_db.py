"""The database edge, on SQLite and on a real PostgreSQL."""

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from common import db
from common.db import Database, insert_all_once, insert_once, metadata, now, open_database, wake
from common.env import BadSetting
from common.errors import Temporary

tables = metadata()
thing = Table("thing", tables, Column("id", String(16), primary_key=True), Column("count", Integer, unique=True))
part = Table("part", tables, Column("id", String(16), primary_key=True), Column("thing_id", ForeignKey("thing.id")))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = open_database(database_url, "inbound")
    create(database, tables)
    yield database
    database.close()


def create(database: Database, metadata: MetaData) -> None:
    engine = database.fresh_engine()
    with engine.begin() as connection:
        if database.postgresql:
            connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {database.service}"))
        metadata.create_all(connection)
    engine.dispose()


def counts(database: Database) -> dict[str, int]:
    with database.read() as tx:
        return {id: count for id, count in tx.execute(select(thing.c.id, thing.c.count))}  # noqa: C416


def test_a_write_is_seen_afterwards_and_one_that_raises_is_not(database: Database) -> None:
    with database.write() as tx:
        tx.execute(insert(thing), {"id": "a", "count": 1})
    with pytest.raises(ZeroDivisionError), database.write() as tx:  # noqa: PT012
        tx.execute(insert(thing), {"id": "b", "count": 2})
        _ = 1 / 0
    assert counts(database) == {"a": 1}


def test_writing_within_a_read_is_loud(database: Database) -> None:
    with pytest.raises(SQLAlchemyError), database.read() as tx:
        tx.execute(insert(thing), {"id": "a", "count": 1})
    with database.write() as tx:  # and the connection it happened on is as good as before
        tx.execute(insert(thing), {"id": "a", "count": 1})
    assert counts(database) == {"a": 1}


def test_a_read_sees_one_moment_and_holds_no_writer_up(database: Database) -> None:
    with database.read() as tx:
        before = tx.execute(select(func.count()).select_from(thing)).scalar()
        with database.write() as other:
            other.execute(insert(thing), {"id": "a", "count": 1})
        assert tx.execute(select(func.count()).select_from(thing)).scalar() == before == 0


def test_keys_are_held_and_their_fault_names_no_values(database: Database) -> None:
    with pytest.raises(IntegrityError) as caught, database.write() as tx:
        tx.execute(insert(part), {"id": "a", "thing_id": "absent-thing"})
    assert "[parameters:" not in str(caught.value)


def test_a_row_is_inserted_once(database: Database) -> None:
    with database.write() as tx:
        assert insert_once(tx, thing, {"id": "a", "count": 1})
        assert not insert_once(tx, thing, {"id": "a", "count": 2}), "the same primary key"
        assert not insert_once(tx, thing, {"id": "b", "count": 1}), "the same unique column"
        assert insert_once(tx, thing, {"id": "c", "count": 3}), "the transaction is still good"
    assert counts(database) == {"a": 1, "c": 3}


def test_of_many_rows_the_new_ones_are_inserted_and_returned_in_order(database: Database) -> None:
    rows = [{"id": f"{n:04}", "count": n} for n in range(1500)]
    with database.write() as tx:
        insert_all_once(tx, thing, rows[100:200])
        inserted = insert_all_once(tx, thing, [rows[3], *rows, {"id": "x", "count": 5}])
        assert insert_all_once(tx, thing, []) == []
    assert inserted == [rows[3], *rows[:3], *rows[4:100], *rows[200:]]
    assert len(counts(database)) == 1500


def test_the_clock_is_the_database_s_and_exact(database: Database) -> None:
    assert abs(database.now() - time.time()) < 20
    with database.write() as tx:
        tx.execute(insert(thing), {"id": "a", "count": 1})
        first = tx.execute(select(now(), thing.c.id).where(now() > 1_000_000)).one()
        time.sleep(0.02)
        assert 0.015 < tx.execute(select(now())).scalar_one() - first[0] < 30


def test_the_relays_are_woken_after_the_commit_and_only_when_asked(database: Database) -> None:
    bell = database.committed
    with database.write() as tx:
        tx.execute(insert(thing), {"id": "a", "count": 1})
    assert bell.rings == 0
    with pytest.raises(ZeroDivisionError), database.write() as tx:  # noqa: PT012
        wake(tx)
        _ = 1 / 0
    assert bell.rings == 0
    with database.write() as tx:
        wake(tx)
        assert bell.rings == 0
    assert bell.rings == 1
    with database.write() as tx:  # very likely over the same connection: nothing of the old wish is left
        tx.execute(select(thing))
    assert bell.rings == 1


def test_threads_share_the_database(database: Database) -> None:
    with database.write() as tx:
        tx.execute(insert(thing), {"id": "a", "count": 0})

    def work() -> None:
        for _ in range(20):
            with database.write() as tx:
                count = tx.execute(select(thing.c.count).where(thing.c.id == "a").with_for_update()).scalar_one()
                tx.execute(update(thing).values(count=count + 1))

    threads = [threading.Thread(target=work) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts(database) == {"a": 240}


_WRITER = """
import sys
from sqlalchemy import select, text
from common.db import open_database
database = open_database(sys.argv[1], "inbound")
for _ in range(int(sys.argv[2])):
    with database.write() as tx:
        count = tx.execute(text(sys.argv[3])).scalar_one()
        tx.execute(text("UPDATE thing SET count = :count WHERE id = 'a'"), {"count": count + 1})
database.close()
"""


def test_four_processes_that_read_and_then_write_are_never_told_that_the_database_is_locked(
    database: Database, database_url: str
) -> None:
    with database.write() as tx:
        tx.execute(insert(thing), {"id": "a", "count": 0})
    read = "SELECT count FROM thing WHERE id = 'a'" + (" FOR UPDATE" if database.postgresql else "")
    command = [sys.executable, "-c", _WRITER, database_url, "200", read]
    environment = {"PYTHONPATH": str(Path(db.__file__).parent.parent), "PATH": "/usr/bin:/bin"}
    writers = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) for _ in range(4)]
    said = [writer.communicate(timeout=100)[1] for writer in writers]
    assert said == [""] * 4 and [writer.returncode for writer in writers] == [0] * 4
    assert counts(database) == {"a": 800}


def test_sqlite_is_set_up_to_lose_nothing(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/new/folder", "inbound")
    with database.read() as tx:
        said = {name: tx.exec_driver_sql(f"PRAGMA {name}").scalar() for name in _PRAGMAS}
    database.close()
    assert said == _PRAGMAS
    assert (tmp_path / "new" / "folder" / "inbound.sqlite3").exists()


_PRAGMAS = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000}


def test_sqlite_locked_by_another_process_is_temporary(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}", "inbound", patience=0.2)
    create(database, tables)
    other = sqlite3.connect(tmp_path / "inbound.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Temporary, match="locked"), database.write():
        raise AssertionError("must not get here")
    other.execute("ROLLBACK")
    other.close()
    with database.write() as tx:
        tx.execute(insert(thing), {"id": "a", "count": 1})
    database.close()


def test_a_missing_table_is_loud_and_not_temporary(database: Database) -> None:
    with pytest.raises(SQLAlchemyError), database.read() as tx:
        tx.execute(text("SELECT * FROM nowhere"))


def test_a_write_within_a_write_is_a_mistake_told_at_once(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}", "inbound")
    with pytest.raises(RuntimeError, match="inside"), database.write(), database.write():
        pass
    database.close()


@pytest.mark.parametrize("url", ["mysql://x", "sqlite://", "data.sqlite3", "postgresql://host:port/name", ""])
def test_a_url_of_another_kind_is_refused_with_the_setting_s_name(url: str) -> None:
    with pytest.raises(BadSetting, match="MAILBRIDGE_DATABASE_URL"):
        open_database(url, "inbound")


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadSetting, match="file"):
        open_database(f"sqlite:///{tmp_path}/file/data", "inbound")


@pytest.mark.postgres
def test_services_share_a_postgresql_database_in_schemas_of_their_own(postgres_url: str) -> None:
    one, two = open_database(postgres_url, "inbound"), open_database(postgres_url, "outbound")
    create(one, tables)
    create(two, tables)
    with one.write() as tx:
        tx.execute(insert(thing), {"id": "a", "count": 1})
    assert counts(one) == {"a": 1} and counts(two) == {}
    one.close()
    two.close()


@pytest.mark.postgres
def test_a_connection_cut_by_postgresql_is_temporary_and_the_next_one_works(postgres_url: str) -> None:
    database, other = open_database(postgres_url, "inbound"), open_database(postgres_url, "inbound")
    create(database, tables)

    def cut(own: int) -> None:
        with other.write() as tx:
            tx.execute(select(func.pg_terminate_backend(own)))

    with pytest.raises(Temporary) as caught, database.write() as tx:  # noqa: PT012
        cut(tx.execute(text("SELECT pg_backend_pid()")).scalar_one())
        tx.execute(insert(thing), {"id": "a", "count": 1})
    assert not caught.value.maybe_done
    with pytest.raises(Temporary) as caught, database.write() as tx:  # noqa: PT012
        tx.execute(insert(thing), {"id": "a", "count": 1})
        cut(tx.execute(text("SELECT pg_backend_pid()")).scalar_one())
    assert caught.value.maybe_done, "at the commit nobody knows"
    assert counts(database) == {}
    database.close()
    other.close()


def test_a_server_that_is_not_there_is_temporary() -> None:
    database = open_database("postgresql://app@127.0.0.1:9/none", "inbound")
    with pytest.raises(Temporary, match="inbound"):
        database.now()
    database.close()


@pytest.mark.postgres
def test_other_processes_are_notified_and_the_listener_survives_a_cut(postgres_url: str) -> None:
    sender, receiver = open_database(postgres_url, "inbound"), open_database(postgres_url, "inbound")
    create(sender, tables)
    receiver.listen()
    receiver.listen()  # twice does no harm

    def heard_within(seconds: float, act: Callable[[], None]) -> bool:
        heard = receiver.committed.rings
        act()
        return receiver.committed.wait(heard, seconds) != heard

    def put() -> None:
        with sender.write() as tx:
            wake(tx, others=True)

    assert receiver.committed.wait(0, 30) > 0, "it rings when it begins to listen"
    assert heard_within(30, put)

    def cut() -> None:
        statement = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
        statement += " AND datname = current_database()"
        with sender.write() as tx:
            assert tx.execute(text(statement)).all() == [(True,)]

    assert heard_within(60, cut), "it rings when it listens anew, for what it may have missed"
    assert heard_within(30, put)
    sender.close()
    receiver.close()


def test_processes_that_open_new_files_at_once_all_get_them(tmp_path: Path) -> None:
    """Turning a new file to write-ahead logging does not wait for others by itself: SQLite says "locked" at once."""
    code = (
        "import sys; from common.db import open_database\n"
        "for number in range(100):\n"
        "    database = open_database(f'sqlite:///{sys.argv[1]}/{number}', 'inbound')\n"
        "    with database.write() as tx: tx.exec_driver_sql('CREATE TABLE IF NOT EXISTS seen (at INTEGER)')\n"
        "    database.close()\n"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)],
            env={"PYTHONPATH": str(Path(db.__file__).parent.parent), "PATH": "/usr/bin:/bin"},
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    assert [(one.communicate(timeout=100)[1], one.returncode) for one in started] == [("", 0)] * 4
