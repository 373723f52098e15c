"""CSV files as people have them: encodings, separators, quotes, names of columns, and bad rows."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from connector.crm.local.csv_export import export_csv
from connector.crm.local.csv_import import Imported, Target, import_csv
from connector.errors import PayloadError
from connector.secrets import Keyring
from connector.signing import new_secret
from connector.store import Store, records
from connector.store.tables import records as records_table
from connector.store.tables import webhooks
from tests.fakes.local import connect_local

CONTACTS = Target("local", "contact")


@pytest.fixture
def crm_store(store: Store, keyring: Keyring) -> Store:
    """A store with the local CRM connected, on each database."""
    connect_local(store, keyring, "local", [new_secret()])
    return store


@pytest.fixture
def crm_sqlite(sqlite_store: Store, keyring: Keyring) -> Store:
    """The same where the database makes no difference."""
    connect_local(sqlite_store, keyring, "local", [new_secret()])
    return sqlite_store


def bring_in(
    store: Store,
    folder: Path,
    content: str | bytes,
    target: Target = CONTACTS,
    encoding: str | None = None,
) -> Imported:
    path = folder / "file.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return import_csv(store, path, target, encoding=encoding)


def stored(store: Store, kind: str = "contact") -> dict[str, dict[str, Any]]:
    with store.read() as tx:
        return {row.id: dict(row.fields) for row in records.each(tx, "local", kind)}


def test_a_file_is_imported_and_imported_again(crm_store: Store, tmp_path: Path) -> None:
    """The first import creates, the same again changes nothing, a new value updates."""
    first = bring_in(crm_store, tmp_path, "id,First Name,E-mail\n1,Ana,a@x.es\n2,Ben,b@x.de\n")
    again = bring_in(crm_store, tmp_path, "id,First Name,E-mail\n1,Ana,a@x.es\n2,Ben,b@x.de\n")
    third = bring_in(crm_store, tmp_path, "id,First Name,E-mail\n1,Anna,a@x.es\n2,Ben,\n")

    assert [(done.created, done.updated, done.unchanged) for done in (first, again, third)] == [
        (2, 0, 0),
        (0, 0, 2),
        (0, 1, 1),
    ]
    assert stored(crm_store) == {
        "1": {"first_name": "Anna", "email": "a@x.es"},
        "2": {"first_name": "Ben", "email": "b@x.de"},
    }


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-32", "utf-32"),
        ("cp1252", "cp1252"),
    ],
)
def test_the_encoding_is_found(
    crm_sqlite: Store, tmp_path: Path, written: str, read_as: str
) -> None:
    """Marked, unmarked and old Windows files give the same names."""
    done = bring_in(crm_sqlite, tmp_path, "id,first_name\n1,Zoë Müller\n".encode(written))

    assert read_as == done.encoding
    assert stored(crm_sqlite) == {"1": {"first_name": "Zoë Müller"}}


def test_an_encoding_can_be_given(crm_sqlite: Store, tmp_path: Path) -> None:
    """What no guess can know may be said."""
    bring_in(crm_sqlite, tmp_path, "id,first_name\n1,Ольга\n".encode("cp1251"), encoding="cp1251")

    assert stored(crm_sqlite) == {"1": {"first_name": "Ольга"}}


@pytest.mark.parametrize(
    ("content", "encoding", "told"),
    [
        (b"id,first_name\n1,\x81\x8d\n", None, "--encoding"),
        ("id,first_name\n1,Ana\n".encode("utf-16-le"), None, "--encoding"),
        (b"\xef\xbb\xbfid,first_name\n1,\xff\n", None, "--encoding"),
        (b"id\n\xe9\n", "utf-8", "utf-8"),
        (b"id\n1\n", "klingon", "klingon"),
        (b"", None, "empty"),
        (b"\n\n", None, "no column `id`"),
        (b"name,plan\nAna,team\n", None, "no column `id`"),
        (b"id,First Name,firstname\n1,a,b\n", None, "first_name"),
        (b'id,"first\n1,a\n', None, "line 1"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", None, "--encoding"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_one_sentence(
    crm_sqlite: Store, tmp_path: Path, content: bytes, encoding: str | None, told: str
) -> None:
    """A wrong encoding, no header, or a header that is ambiguous: nothing is stored."""
    with pytest.raises(PayloadError, match=told):
        bring_in(crm_sqlite, tmp_path, content, encoding=encoding)
    assert stored(crm_sqlite) == {}


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found(crm_sqlite: Store, tmp_path: Path, separator: str) -> None:
    """Commas, semicolons, tabs and bars separate; others within quotes do not."""
    content = f'id{separator}"name, of; it"{separator}plan\n1{separator}"a,b;c"{separator}team\n'
    bring_in(crm_sqlite, tmp_path, content)

    assert stored(crm_sqlite) == {"1": {"name_of_it": "a,b;c", "plan": "team"}}


def test_a_spreadsheets_own_line_is_understood(crm_sqlite: Store, tmp_path: Path) -> None:
    """A first line `sep=;` names the separator."""
    bring_in(crm_sqlite, tmp_path, "sep=;\r\nid;plan\r\n1;a,b\r\n")

    assert stored(crm_sqlite) == {"1": {"plan": "a,b"}}


def test_quotes_may_hold_line_ends(crm_sqlite: Store, tmp_path: Path) -> None:
    """A quoted cell keeps its line ends and doubled quotes, and lines are still counted right."""
    done = bring_in(crm_sqlite, tmp_path, 'id,note\r\n1,"a ""b""\r\nc"\r\n\r\n,x\r\n')

    assert stored(crm_sqlite) == {"1": {"note": 'a "b"\r\nc'}}
    assert [complaint.line for complaint in done.complaints] == [5]


def test_bad_rows_are_told_by_line_and_cost_no_other(crm_sqlite: Store, tmp_path: Path) -> None:
    """Each bad row has its line and reason; every good row is stored."""
    rows = [
        "id,first_name,items",
        "1,Ana,",
        "2,Ben,[{]",
        "1,Ana again,",
        ",Nobody,",
        "3,Cleo,,,surplus",
        f"{'x' * 201},Long,",
        "4,Dora,",
        f"5,{'y' * 70_000},",
        "../6,Path,",
        '7,"Open quote,',
        '8,Emil,"[{""title"": ""Shoe""}]"',
    ]
    done = bring_in(crm_sqlite, tmp_path, "\n".join(rows) + "\n")

    assert sorted(stored(crm_sqlite)) == ["1", "4", "8"]
    assert stored(crm_sqlite)["8"]["items"] == [{"title": "Shoe"}]
    told = {complaint.line: complaint.sentence for complaint in done.complaints}
    assert sorted(told) == [3, 4, 5, 6, 7, 9, 10, 11]
    for line, word in {
        3: "JSON", 4: "line 2", 5: "empty", 6: "5 cells", 9: "64 kB", 11: "quotes",
    }.items():  # fmt: skip
        assert word in told[line]


def test_columns_are_known_by_other_names(crm_sqlite: Store, tmp_path: Path) -> None:
    """Columns of other systems find their field; columns that nobody knows are kept."""
    content = (
        "Contact ID,GIVEN NAME,Surname,E-Mail Address,Unsubscribed,Loyalty №,名前\n"
        "7,Ana,Prieto,a@x.es,Yes,00123,アナ\n"
    )
    bring_in(crm_sqlite, tmp_path, content)

    assert stored(crm_sqlite) == {
        "7": {
            "first_name": "Ana",
            "last_name": "Prieto",
            "email": "a@x.es",
            "email_opt_out": True,
            "loyalty": "00123",
            "名前": "アナ",
        }
    }


def test_contacts_without_an_id_are_known_by_their_address(
    crm_sqlite: Store, tmp_path: Path
) -> None:
    """The id is made from the e-mail address, the same at each import, without showing it."""
    done = [bring_in(crm_sqlite, tmp_path, "email\nAna@X.es\n\nana@x.ES\n") for _ in range(2)]

    [record_id] = stored(crm_sqlite)
    assert "ana" not in record_id
    assert [(d.created, d.unchanged, d.refused) for d in done] == [(1, 0, 1), (0, 1, 1)]


def test_carts_have_numbers_items_and_a_contact(crm_sqlite: Store, tmp_path: Path) -> None:
    """`cart_id` is the id, `contact_id` the contact, totals are numbers, items are structured."""
    items = json.dumps([{"title": "Shoe", "price": 89.5}]).replace('"', '""')
    content = (
        f'cart_id,contact_id,total,items,title\n77,1,129.50,"{items}",Basket\n78,1,"1.299,00",,\n'
    )
    bring_in(crm_sqlite, tmp_path, content, Target("local", "cart"))

    carts = stored(crm_sqlite, "cart")
    assert carts["77"] == {
        "contact_id": "1",
        "total": 129.5,
        "items": [{"title": "Shoe", "price": 89.5}],
        "title": "Basket",
    }
    assert carts["78"]["total"] == "1.299,00"


def test_new_and_changed_records_are_announced(crm_sqlite: Store, tmp_path: Path) -> None:
    """With an event given, each new or changed row owes one, an unchanged row none."""
    target = Target("local", "cart", "cart.abandoned")
    first = bring_in(crm_sqlite, tmp_path, "id,contact_id\n77,1\n78,2\n", target)
    second = bring_in(crm_sqlite, tmp_path, "id,contact_id\n77,1\n78,3\n", target)

    with crm_sqlite.read() as tx:
        events = [json.loads(row.body) for row in tx.execute(webhooks.select())]
    assert (first.announced, second.announced) == (2, 1)
    assert sorted(event["contact_id"] for event in events) == ["1", "2", "3"]
    assert {"cart.abandoned"} == {event["type"] for event in events}


def test_a_big_file_goes_in_parts_and_says_how_far_it_is(crm_sqlite: Store, tmp_path: Path) -> None:
    """Progress is told while the rows are stored."""
    heard: list[int] = []
    path = tmp_path / "big.csv"
    path.write_text("id,first_name\n" + "".join(f"{n},Ana\n" for n in range(1300)))
    import_csv(crm_sqlite, path, CONTACTS, progress=lambda done: heard.append(done.rows))

    assert heard == [500, 1000, 1300]


def test_an_export_can_be_imported_again(crm_sqlite: Store, tmp_path: Path) -> None:
    """What is exported comes back as it was, and formulas leave as plain text."""
    bring_in(crm_sqlite, tmp_path, 'id,first_name,items\n1,Ana,"[1]"\n2,=1+1,\n3,-5,\n')
    with crm_sqlite.read() as tx:
        text = "".join(export_csv(list(records.each(tx, "local", "contact"))))
    done = bring_in(crm_sqlite, tmp_path, text.replace("'=", "=").replace("'-", "-"))

    assert "'=1+1" in text
    assert "'-5" in text
    assert done.unchanged == 3


CELL = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\t,;\"'"), max_size=20
)


@hypothesis_settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=st.lists(st.lists(CELL, min_size=2, max_size=2), min_size=1, max_size=8))
def test_whatever_a_spreadsheet_writes_is_read(
    crm_sqlite: Store, tmp_path: Path, rows: list[list[str]]
) -> None:
    """Any cells that are written as CSV are read again, each row under its number."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(["id", "one", "two"])
    writer.writerows([f"r{number}", *row] for number, row in enumerate(rows))
    with crm_sqlite.write() as tx:
        tx.execute(records_table.delete())
    done = bring_in(crm_sqlite, tmp_path, buffer.getvalue())

    assert (0, len(rows)) == (done.refused, done.created)
    found = stored(crm_sqlite)
    for number, (one, two) in enumerate(rows):
        wanted = {"one": one.strip(), "two": two.strip()}
        assert {name: text for name, text in wanted.items() if text} == found[f"r{number}"]


@hypothesis_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(raw=st.binary(max_size=300))
def test_no_file_causes_a_crash(crm_sqlite: Store, tmp_path: Path, raw: bytes) -> None:
    """Any bytes after a header are imported, told by line, or refused as a whole."""
    try:
        done = bring_in(crm_sqlite, tmp_path, b"id,first_name\n" + raw)
    except PayloadError:
        return
    assert done.rows == done.created + done.updated + done.unchanged + done.refused
