"""Sealed values and the vault, over a real SQLite file."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import MetaData, Table, select, update

from common.crypto import Vault, data_key_table, derive, seal, unseal
from common.db import Database, metadata, open_database
from common.errors import Permanent
from common.ids import new_id

KEY = derive(b"m" * 32, "tests")


def test_what_was_sealed_comes_back() -> None:
    assert unseal(KEY, seal(KEY, b"secret", "row 1"), "row 1") == b"secret"


def test_sealing_twice_gives_two_values() -> None:
    assert seal(KEY, b"secret", "row 1") != seal(KEY, b"secret", "row 1")


def test_text_and_octets_name_the_same_place() -> None:
    assert unseal(KEY, seal(KEY, b"secret", "row 1"), b"row 1") == b"secret"


@given(data=st.data(), secret=st.binary(max_size=40))
def test_no_altered_value_is_read(data: st.DataObject, secret: bytes) -> None:
    sealed = seal(KEY, secret, "row 1")
    place = data.draw(st.integers(0, len(sealed) - 1))
    other = data.draw(st.integers(1, 255))
    altered = sealed[:place] + bytes([sealed[place] ^ other]) + sealed[place + 1 :]
    with pytest.raises(Permanent):
        unseal(KEY, altered, "row 1")


@pytest.mark.parametrize("cut", [0, 1, 5, 13, 20])
def test_a_truncated_value_is_permanent_not_a_crash(cut: int) -> None:
    with pytest.raises(Permanent):
        unseal(KEY, seal(KEY, b"secret", "row 1")[:cut], "row 1")


def test_a_value_of_another_row_is_not_read() -> None:
    with pytest.raises(Permanent):
        unseal(KEY, seal(KEY, b"secret", "row 1"), "row 2")


def test_a_value_under_another_key_is_not_read() -> None:
    with pytest.raises(Permanent, match="altered"):
        unseal(derive(b"n" * 32, "tests"), seal(KEY, b"secret", "row 1"), "row 1")


def test_derived_keys_differ_by_use_and_stay_the_same() -> None:
    assert derive(b"m" * 32, "a") == derive(b"m" * 32, "a")
    assert len({derive(b"m" * 32, "a"), derive(b"m" * 32, "b"), derive(b"n" * 32, "a")}) == 3
    assert len(derive(b"m" * 32, "a")) == 32


class Shelf:
    """A database file with a table of data keys."""

    def __init__(self, folder: Path) -> None:
        self.metadata: MetaData = metadata()
        self.table: Table = data_key_table(self.metadata)
        self.database: Database = open_database(f"sqlite:///{folder}", "test")
        with self.database.write() as tx:
            self.metadata.create_all(tx)

    def vault(self, master: bytes = b"m" * 32) -> Vault:
        return Vault(master, self.table)


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    shelf = Shelf(tmp_path)
    yield shelf
    shelf.database.close()


def test_a_tenants_secret_survives_a_restart(shelf: Shelf) -> None:
    tenant = new_id()
    with shelf.database.write() as tx:
        sealed = shelf.vault().seal(tx, tenant, b"password", "mailbox")
    with shelf.database.read() as tx:
        assert shelf.vault().unseal(tx, tenant, sealed, "mailbox") == b"password"


def test_each_tenant_has_one_key_of_its_own(shelf: Shelf) -> None:
    vault, one, two = shelf.vault(), new_id(), new_id()
    with shelf.database.write() as tx:
        first, _, other = (vault.seal(tx, tenant, b"x", "y") for tenant in (one, one, two))
    with shelf.database.read() as tx:
        assert {row.tenant for row in tx.execute(select(shelf.table))} == {one, two}
        assert vault.unseal(tx, one, first, "y") == b"x"
        for tenant, sealed in ((two, first), (one, other)):
            with pytest.raises(Permanent):
                vault.unseal(tx, tenant, sealed, "y")


def test_the_stored_key_is_wrapped(shelf: Shelf) -> None:
    tenant = new_id()
    with shelf.database.write() as tx:
        shelf.vault().seal(tx, tenant, b"x", "y")
    with shelf.database.read() as tx:
        row = tx.execute(select(shelf.table)).one()
    assert len(row.wrapped) == 1 + 12 + 32 + 16
    assert row.version == 1
    assert row.created_at > 1_700_000_000


def test_another_master_key_opens_nothing_and_says_the_remedy(shelf: Shelf) -> None:
    tenant = new_id()
    with shelf.database.write() as tx:
        sealed = shelf.vault().seal(tx, tenant, b"x", "y")
    with shelf.database.read() as tx, pytest.raises(Permanent) as caught:
        shelf.vault(b"n" * 32).unseal(tx, tenant, sealed, "y")
    assert "MAILBRIDGE_MASTER_KEY" in caught.value.remedy


def test_a_key_made_in_a_rolled_back_transaction_is_never_used_again(shelf: Shelf) -> None:
    vault, tenant = shelf.vault(), new_id()

    def seal_and_fail() -> None:
        with shelf.database.write() as tx:
            vault.seal(tx, tenant, b"lost", "y")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        seal_and_fail()
    with shelf.database.write() as tx:
        sealed = vault.seal(tx, tenant, b"kept", "y")
    with shelf.database.read() as tx:
        assert shelf.vault().unseal(tx, tenant, sealed, "y") == b"kept"


def test_a_key_taken_back_by_a_savepoint_is_never_used_again(shelf: Shelf) -> None:
    vault, tenant = shelf.vault(), new_id()
    with shelf.database.write() as tx:
        savepoint = tx.begin_nested()
        vault.seal(tx, tenant, b"lost", "y")
        savepoint.rollback()
        sealed = vault.seal(tx, tenant, b"kept", "y")
    with shelf.database.read() as tx:
        assert shelf.vault().unseal(tx, tenant, sealed, "y") == b"kept"


def test_destroying_the_key_makes_the_data_unreadable_for_every_process(shelf: Shelf) -> None:
    here, elsewhere, tenant = shelf.vault(), shelf.vault(), new_id()
    with shelf.database.write() as tx:
        sealed = here.seal(tx, tenant, b"x", "y")
    with shelf.database.read() as tx:
        assert elsewhere.unseal(tx, tenant, sealed, "y") == b"x"
    with shelf.database.write() as tx:
        here.destroy(tx, tenant)
        with pytest.raises(Permanent, match="erased"):
            here.unseal(tx, tenant, sealed, "y")
    for vault in (here, elsewhere):
        with shelf.database.read() as tx, pytest.raises(Permanent, match="erased"):
            vault.unseal(tx, tenant, sealed, "y")


def test_a_tenant_that_comes_back_gets_a_new_key_in_every_process(shelf: Shelf) -> None:
    here, elsewhere, tenant = shelf.vault(), shelf.vault(), new_id()
    with shelf.database.write() as tx:
        old = here.seal(tx, tenant, b"old", "y")
        elsewhere.unseal(tx, tenant, old, "y")
        here.destroy(tx, tenant)
    with shelf.database.write() as tx:
        new = here.seal(tx, tenant, b"new", "y")
    with shelf.database.read() as tx:
        assert elsewhere.unseal(tx, tenant, new, "y") == b"new"
        with pytest.raises(Permanent):
            elsewhere.unseal(tx, tenant, old, "y")


def test_a_wrapped_key_moved_to_another_tenants_row_opens_nothing(shelf: Shelf) -> None:
    vault, one, two = shelf.vault(), new_id(), new_id()
    with shelf.database.write() as tx:
        sealed = vault.seal(tx, one, b"x", "y")
        tx.execute(update(shelf.table).values(tenant=two))
    with shelf.database.read() as tx, pytest.raises(Permanent):
        shelf.vault().unseal(tx, two, sealed, "y")


def test_remembering_few_keys_still_reads_all(shelf: Shelf) -> None:
    vault = Vault(b"m" * 32, shelf.table, remember=1)
    tenants = [new_id() for _ in range(3)]
    with shelf.database.write() as tx:
        sealed = {tenant: vault.seal(tx, tenant, tenant.encode(), "y") for tenant in tenants}
    for tenant in tenants * 2:
        with shelf.database.read() as tx:
            assert vault.unseal(tx, tenant, sealed[tenant], "y") == tenant.encode()
