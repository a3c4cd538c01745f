"""Field by field: a request changes what its route is for and nothing else, whatever it names beside that.

Every writing route is sent every column of every table (and what people guess there is), in the form or JSON body,
inside Link's metadata and in the query. A writing route without a row here fails the test.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import pytest
from sqlalchemy import Boolean, Column

from extensions import bcrypt, db
from models import Account, FinancialInstitution, User
from tests.support.factories import make_account, make_institution, make_tracker, make_user
from tests.views.browsing import Browser
from tests.views.conftest import sign_in
from tests.views.test_owners import ROUTES

PASSWORD = "nine lives of a tin robot"
PERSON = {
    "username": "newname",
    "phone_number": "(415) 555-2671",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "account_type": "sandbox",
    "timezone": "America/Chicago",
}
GUESSED = (
    "is_admin", "admin", "role", "roles", "owner", "owner_id", "verified", "is_active", "user", "opted_out", "totals",
    "balance", "error", "working", "html", "_method", "item_id", "csrf_token2", "next_notification_date",
)  # fmt: skip
CONSTRAINED = {
    "state": "revoked",
    "stage": "transactions",
    "environment": "production",
    "account_type": "development",
}
FORGED_NUMBER, FORGED_YEAR = 1_947_114_711, 2001
"""Numbers no row comes to have by itself: tests that share a database count thousands of ids."""


@dataclass(frozen=True)
class Write:
    """What a route is for: who asks, the request, its status, and what of the rows it may change.

    `changes` are columns of the asker's own rows; `adds` and `removes` are tables; `truths` are the booleans that are
    true in rows it adds; `account` is which of the asker's accounts is meant.
    """

    status: int
    fields: dict[str, Any] = field(default_factory=dict)
    as_json: bool = False
    signed_in: bool = True
    changes: frozenset[str] = frozenset()
    adds: frozenset[str] = frozenset()
    removes: frozenset[str] = frozenset()
    truths: frozenset[str] = frozenset()
    account: str = "account_id"


def names(text: str) -> frozenset[str]:
    return frozenset(text.split())


ALL_OF_A_PERSON = names(
    "users financial_institutions accounts budget_trackers trusted_devices log_in_failures"
)
OF_AN_ACCOUNT = names(
    "accounts.deleted_at accounts.name accounts.mask accounts.official_name accounts.available accounts.current "
    "accounts.limit accounts.currency accounts.subtype accounts.type accounts.persistent_account_id"
)
OF_A_REFRESH = names(
    "financial_institutions.due_at financial_institutions.stage financial_institutions.realtime_at "
    "financial_institutions.realtime_wanted"
)
WRITES: dict[tuple[str, str], Write] = {
    ("POST", "/signup"): Write(
        303, {**PERSON, "password": PASSWORD}, signed_in=False, adds=names("users trusted_devices")
    ),
    ("POST", "/login"): Write(
        303,
        {"username": "owner", "password": PASSWORD},
        signed_in=False,
        adds=names("trusted_devices log_in_failures"),
    ),
    ("POST", "/demo"): Write(
        303, {"timezone": "America/Chicago"}, signed_in=False, adds=names("users"), truths=names("is_demo")
    ),
    ("POST", "/logout"): Write(303),
    ("POST", "/users/update-profile"): Write(
        303,
        {**PERSON, "current_password": PASSWORD},
        changes=names(
            "users.username users.username_key users.phone_number users.first_name users.last_name users.timezone"
        ),
    ),
    # The scene's account is a sandbox account, which has no texts; nobody signed the webhooks.
    ("POST", "/users/texts"): Write(409, {"consent": "y"}),
    ("POST", "/webhooks/plaid"): Write(
        403, {"webhook_type": "ITEM", "webhook_code": "ERROR", "environment": "sandbox"}, as_json=True
    ),
    ("POST", "/webhooks/twilio/status"): Write(403, {"MessageSid": "SM1", "MessageStatus": "delivered"}),
    ("POST", "/webhooks/twilio/inbound"): Write(403, {"From": "+14155552671", "Body": "STOP"}),
    ("POST", "/users/change-password"): Write(
        303,
        {"current_password": PASSWORD, "new_password": "ten lives of a tin robot"},
        changes=names("users.password_hash"),
        adds=names("trusted_devices log_in_failures"),
    ),
    ("POST", "/users/delete"): Write(
        303, {"current_password": PASSWORD}, removes=ALL_OF_A_PERSON, adds=names("item_removals")
    ),
    ("POST", "/create_link_token"): Write(200, as_json=True),
    ("POST", "/financial-institutions"): Write(
        202, {"public_token": "public-1"}, as_json=True, adds=names("financial_institutions")
    ),
    ("PATCH", "/financial-institutions"): Write(202, as_json=True, changes=OF_A_REFRESH),
    ("PATCH", "/financial-institutions/<int:institution_id>"): Write(
        202, as_json=True, changes=OF_A_REFRESH
    ),
    ("DELETE", "/financial-institutions/<int:institution_id>"): Write(
        200,
        as_json=True,
        removes=names("financial_institutions accounts budget_trackers"),
        adds=names("item_removals"),
    ),
    ("POST", "/financial-institutions/<int:institution_id>/restore-accounts"): Write(
        202,
        as_json=True,
        changes=names("financial_institutions.due_at financial_institutions.stage"),
        removes=names("accounts"),
    ),
    ("POST", "/financial-institutions/<int:institution_id>/reconnected"): Write(
        202,
        {"chose_accounts": True},
        as_json=True,
        changes=OF_A_REFRESH
        | names("financial_institutions.new_accounts_at financial_institutions.accounts_chosen_at"),
    ),
    # The scene's institution was not linked anew: nothing moves.
    ("POST", "/connections/<int:institution_id>/move"): Write(409),
    ("DELETE", "/accounts/<int:account_id>"): Write(
        200, as_json=True, changes=OF_AN_ACCOUNT, removes=names("budget_trackers")
    ),
    ("POST", "/accounts/<int:account_id>/budget-tracker/create"): Write(
        303,
        {"budget_threshold": "400", "notification_frequency": "7"},
        adds=names("budget_trackers"),
        account="untracked_id",
    ),
    ("POST", "/accounts/<int:account_id>/budget-tracker/update"): Write(
        303,
        {"budget_threshold": "333", "notification_frequency": "9"},
        changes=names(
            "budget_trackers.threshold budget_trackers.notification_frequency budget_trackers.next_notification_date"
        ),
    ),
    ("DELETE", "/accounts/<int:account_id>/budget-tracker"): Write(
        200, as_json=True, removes=names("budget_trackers")
    ),
}  # fmt: skip


def test_every_writing_route_has_a_row():
    writing = {key for key in ROUTES if key[0] != "GET"}
    assert not writing - WRITES.keys(), "say in WRITES what of the rows these routes may change"
    assert not WRITES.keys() - writing, "WRITES names routes that are gone"


@dataclass(frozen=True)
class Scene:
    """An owner and somebody else, each with an institution and an account."""

    owner: Browser
    nobody: Browser
    ids: dict[str, int]
    other: dict[str, int]


@pytest.fixture
def scene(linked_app, rows, monkeypatch) -> Scene:
    monkeypatch.setattr("services.demo.PATIENCE_SECONDS", 0)

    def make(name: str) -> dict[str, int]:
        user = make_user(name, password_hash=bcrypt.generate_password_hash(PASSWORD).decode())
        institution = make_institution(user)
        account = make_account(institution)
        make_account(institution, deleted_at=user.created_at)
        make_tracker(account)
        return {
            "user_id": user.id,
            "institution_id": institution.id,
            "account_id": account.id,
            "untracked_id": make_account(institution).id,
        }

    ids, other = rows(lambda: make("owner")), rows(lambda: make("other"))
    return Scene(sign_in(linked_app, ids["user_id"]), Browser(linked_app.test_client()), ids, other)


def forged(other: dict[str, int]) -> dict[str, Any]:
    """A value for every column there is and for what people guess: recognisable, and somebody else's ids."""
    columns = {column.name: column for table in db.metadata.sorted_tables for column in table.columns}
    values = {name: _forged_value(column) for name, column in columns.items()}
    values |= dict.fromkeys(GUESSED, True) | CONSTRAINED
    return values | {
        "user_id": other["user_id"],
        "financial_institution_id": other["institution_id"],
        "account_id": other["account_id"],
    }


def _forged_value(column: Column[Any]) -> Any:
    if isinstance(column.type, Boolean):
        return True
    kind = column.type.python_type if column.type.__class__.__module__.startswith("sqlalchemy") else str
    if kind is int:
        return FORGED_NUMBER
    if kind in (date, datetime) or column.name.endswith(("_at", "_until", "_as_of")):
        return f"{FORGED_YEAR}-02-03T04:05:06+00:00"
    return f"forged {column.name}"


def snapshot(rows: Callable[..., Any]) -> dict[tuple[str, Any], dict[str, Any]]:
    """Every row by table and key, as column -> value."""

    def read() -> dict[tuple[str, Any], dict[str, Any]]:
        return {
            (table.name, tuple(row[column.name] for column in table.primary_key)): dict(row)
            for table in db.metadata.sorted_tables
            for row in db.session.execute(table.select()).mappings()
        }

    return rows(read)


def send(scene: Scene, verb: str, rule: str, write: Write, how: str) -> Any:
    """The request with everything forged beside its own fields; `how` says where."""
    more = {key: value for key, value in forged(scene.other).items() if key not in write.fields}
    path = rule
    for name, number in {**scene.ids, "account_id": scene.ids[write.account]}.items():
        path = path.replace(f"<int:{name}>", str(number))
    browser = scene.owner if write.signed_in else scene.nobody
    body = dict(write.fields)
    query = more if how == "query" else {}
    if how == "body":
        body |= more
    if how == "metadata":
        body["metadata"] = {**more, "institution": more, "accounts": [more]}
    if write.as_json:
        return browser.call(verb, path, body, query_string=query)
    body["csrf_token"] = browser.token()
    return browser.client.open(
        path, method=verb, data=body, query_string=query, headers={"Referer": "http://localhost/"}
    )


def is_others(key: tuple[str, Any], other: dict[str, int]) -> bool:
    names_of = {"users": "user_id", "financial_institutions": "institution_id", "accounts": "account_id"}
    table, (number, *_) = key
    return table in names_of and number == other[names_of[table]]


def is_forged(column: str, value: Any) -> bool:
    if isinstance(value, (date, datetime)):
        return value.year == FORGED_YEAR
    if isinstance(value, bytes):
        return b"forged" in value
    return value == CONSTRAINED.get(column, FORGED_NUMBER) or (isinstance(value, str) and "forged" in value)


@pytest.mark.parametrize("how", ["body", "metadata", "query"])
@pytest.mark.parametrize("verb, rule", [pytest.param(*key, id=" ".join(key)) for key in WRITES])
def test_a_request_changes_what_it_is_for_and_nothing_else(scene, rows, verb, rule, how):
    write = WRITES[verb, rule]
    before = snapshot(rows)
    answer = send(scene, verb, rule, write, how)
    assert answer.status_code == write.status, answer.text[:300]
    after = snapshot(rows)

    known = {key: row for key, row in before.items() if key[0] != "user_sessions"}
    gone = {key[0] for key in known.keys() - after.keys()}
    assert gone <= write.removes
    changed = {
        f"{key[0]}.{column}"
        for key in known.keys() & after.keys()
        for column, value in known[key].items()
        if after[key][column] != value
    }
    assert changed <= write.changes
    assert changed or gone or not (write.changes or write.removes), "the request did its own work"

    added = {key: row for key, row in after.items() if key not in before}
    assert {key[0] for key in added} <= write.adds | {"user_sessions"}
    for key in known:
        if is_others(key, scene.other):
            assert after[key] == before[key], "somebody else's rows"
    for key, row in added.items():
        assert row.get("user_id") != scene.other["user_id"]
        assert {name for name, value in row.items() if value is True} <= write.truths
        # Link's metadata names an institution until the vendor does; nothing else of it is taken.
        taken = (
            {"name", "plaid_institution_id"}
            if how == "metadata" and key[0] == "financial_institutions"
            else set()
        )
        assert not {name for name, value in row.items() if is_forged(name, value)} - taken
    for key in known.keys() & after.keys():
        assert not {column for column, value in after[key].items() if is_forged(column, value)}


@pytest.mark.parametrize("how", ["body", "query"])
def test_the_account_type_is_fixed_while_something_is_linked(scene, rows, how):
    write = WRITES["POST", "/users/update-profile"]
    fields = {**write.fields, "account_type": "development"}
    answer = send(scene, "POST", "/users/update-profile", Write(303, fields), how)
    assert answer.status_code == 303
    user = rows(lambda: db.session.get(User, scene.ids["user_id"]))
    assert (user.account_type, user.username) == ("sandbox", "newname")


def test_a_foreign_row_cannot_be_meant_by_the_body(scene, rows):
    """The id in the address counts, whatever ids the body names."""
    theirs = {"id": scene.other["institution_id"], "institution_id": scene.other["institution_id"]}
    answer = scene.owner.call("DELETE", f"/financial-institutions/{scene.ids['institution_id']}", theirs)
    assert answer.status_code == 200
    assert rows(lambda: db.session.get(FinancialInstitution, scene.other["institution_id"])) is not None
    assert rows(lambda: db.session.get(Account, scene.other["account_id"])) is not None
