"""The institution resource and what one may do to it: shapes exactly as the contract has them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import update

from database import utcnow
from extensions import db
from models import Account, FinancialInstitution, ItemRemoval, User
from services import vendors
from tests.support import scripted_plaid as plaid
from tests.support.factories import make_account, make_institution
from tests.support.scripted_plaid import failure
from tests.views.browsing import Page
from tests.views.test_json_rules import is_error

RESOURCE = {"id", "name", "state", "stage", "working", "error", "refreshed_at", "totals", "html"}
PNG = b"\x89PNG\r\n\x1a\nlogo"


@pytest.fixture
def ada(person):
    return person()


@pytest.fixture
def make(ada, rows):
    """Makes an institution of Ada's with accounts: (id, account ids)."""

    def build(*accounts: dict, **changes):
        def work():
            institution = make_institution(db.session.get(User, ada[0]), **changes)
            return institution.id, [make_account(institution, **account).id for account in accounts]

        return rows(work)

    return build


def pieces(html: str) -> set[str]:
    return {str(names["data-piece"]) for _, names in Page(html).elements if "data-piece" in names}


def test_linking_answers_at_once_and_reads_in_the_background(person, linked_app, bank, rows):
    _, browser = person(on=linked_app)
    metadata = {"institution": {"institution_id": "ins_9", "name": "First Bank"}, "accounts": []}
    answer = browser.call(
        "POST", "/financial-institutions", {"public_token": "public-1", "metadata": metadata}
    )
    assert answer.status_code == 202
    assert answer.json.keys() == RESOURCE
    resource = {name: answer.json[name] for name in RESOURCE - {"id", "html"}}
    assert resource == {
        "name": "First Bank",
        "state": "new",
        "stage": "connecting",
        "working": True,
        "error": None,
        "refreshed_at": None,
        "totals": [],
    }
    number = answer.json["id"]
    assert isinstance(number, int)
    assert answer.headers["Location"] == f"/financial-institutions/{number}"
    assert f"institution-{number}" in pieces(answer.json["html"])
    assert bank.asked("/item/public_token/exchange") == [{"public_token": "public-1"}]
    assert bank.asked("/accounts/get") == [], "the request waits for nothing but the exchange"
    assert rows(lambda: db.session.query(FinancialInstitution).one().access_token).startswith(
        "access-sandbox-"
    )


def test_the_resource_when_the_reading_is_done(person, linked_app, at_once):
    _, browser = person(on=linked_app)
    answer = browser.call("POST", "/financial-institutions", {"public_token": "public-1"})
    shown = browser.get(answer.headers["Location"])
    assert shown.status_code == 200
    assert shown.json.keys() == RESOURCE
    assert (shown.json["state"], shown.json["stage"], shown.json["working"]) == ("healthy", "done", False)
    assert shown.json["name"] == "Bank of Tests"
    assert shown.json["totals"] == [{"currency": "USD", "holdings": "100.00", "net_worth": "100.00"}]
    assert datetime.fromisoformat(shown.json["refreshed_at"]).tzinfo is not None
    number = shown.json["id"]
    assert pieces(shown.json["html"]) >= {f"institution-{number}", "summary", "institutions-head", "empty"}


def test_the_same_token_again_is_the_same_institution(person, linked_app, bank):
    _, browser = person(on=linked_app)
    first, second = (
        browser.call("POST", "/financial-institutions", {"public_token": "public-1"}) for _ in range(2)
    )
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json["id"] == second.json["id"]
    assert len(bank.asked("/item/public_token/exchange")) == 1


def test_a_token_that_somebody_else_exchanged_is_invalid(person, linked_app, bank):
    _, one = person(on=linked_app)
    _, other = person(on=linked_app)
    assert one.call("POST", "/financial-institutions", {"public_token": "public-1"}).status_code == 202
    answer = other.call("POST", "/financial-institutions", {"public_token": "public-1"})
    assert is_error(answer, 400, "invalid_public_token")
    assert len(bank.asked("/item/public_token/exchange")) == 1


def test_a_bad_used_or_expired_token(person, linked_app, bank, monkeypatch, rows):
    monkeypatch.setattr("services.linking.TWIN_WAIT_SECONDS", 0)
    bank.always("/item/public_token/exchange", failure("INVALID_PUBLIC_TOKEN", "INVALID_INPUT"))
    _, browser = person(on=linked_app)
    answer = browser.call("POST", "/financial-institutions", {"public_token": "public-used"})
    assert is_error(answer, 400, "invalid_public_token")
    assert rows(lambda: db.session.query(FinancialInstitution).count()) == 0


ALREADY = {
    "institution": {"institution_id": "ins_1", "name": "Bank of Tests"},
    "accounts": [{"id": "x", "name": "Checking", "mask": "0000"}],
}


def test_one_already_linked_is_noticed_before_anything_is_exchanged(person, linked_app, at_once, bank):
    _, browser = person(on=linked_app)
    browser.call("POST", "/financial-institutions", {"public_token": "public-1"})
    body = {"public_token": "public-2", "metadata": ALREADY}
    answer = browser.call("POST", "/financial-institutions", body)
    assert is_error(answer, 409, "already_linked")
    assert "Bank of Tests" in answer.json["error"]["message"]
    assert len(bank.asked("/item/public_token/exchange")) == 1
    confirmed = browser.call("POST", "/financial-institutions", {**body, "confirm_duplicate": True})
    assert confirmed.status_code == 202
    assert len(browser.get("/dashboard.json").json["institutions"]) == 2


@pytest.mark.parametrize(
    "metadata",
    [
        {"institution": ALREADY["institution"], "accounts": [{"name": "Checking", "mask": "9999"}]},
        {"institution": ALREADY["institution"], "accounts": [{"name": "Other", "mask": "0000"}]},
        {
            "institution": {"institution_id": "ins_2", "name": "Bank of Tests"},
            "accounts": ALREADY["accounts"],
        },
        {"institution": ALREADY["institution"]},
        {"accounts": ALREADY["accounts"]},
        None,
    ],
)
def test_other_accounts_or_another_bank_are_linked_without_asking(person, linked_app, at_once, metadata):
    _, browser = person(on=linked_app)
    browser.call("POST", "/financial-institutions", {"public_token": "public-1"})
    answer = browser.call(
        "POST", "/financial-institutions", {"public_token": "public-2", "metadata": metadata}
    )
    assert answer.status_code == 202


def test_somebody_elses_link_is_no_duplicate(person, linked_app, at_once):
    _, one = person(on=linked_app)
    _, other = person(on=linked_app)
    one.call("POST", "/financial-institutions", {"public_token": "public-1"})
    answer = other.call("POST", "/financial-institutions", {"public_token": "public-2", "metadata": ALREADY})
    assert answer.status_code == 202


def test_a_refresh_is_accepted_and_joined_and_then_has_to_wait(person, linked_app, bank, rows):
    user_id, browser = person(on=linked_app)
    number = rows(lambda: make_institution(db.session.get(User, user_id)).id)
    for _ in range(2):  # the second joins the first, which is queued
        answer = browser.call("PATCH", f"/financial-institutions/{number}")
        assert answer.status_code == 202
        assert answer.json.keys() == RESOURCE
        assert (answer.json["state"], answer.json["working"]) == ("refreshing", True)
        assert answer.headers["Location"] == f"/financial-institutions/{number}"

    def finished():
        db.session.query(FinancialInstitution).update({"due_at": None})
        db.session.commit()

    rows(finished)
    answer = browser.call("PATCH", f"/financial-institutions/{number}", {})
    assert is_error(answer, 429, "too_soon")
    assert 1 <= int(answer.headers["Retry-After"]) <= 60


def test_the_sixty_seconds_run_from_the_request_whatever_its_outcome(person, linked_app, at_once, bank, rows):
    user_id, browser = person(on=linked_app)
    number = rows(lambda: make_institution(db.session.get(User, user_id)).id)
    bank.always("/accounts/get", failure("INSTITUTION_DOWN", "INSTITUTION_ERROR"))
    bank.always("/accounts/balance/get", failure("INSTITUTION_DOWN", "INSTITUTION_ERROR"))
    assert browser.call("PATCH", f"/financial-institutions/{number}").status_code == 202
    assert browser.get(f"/financial-institutions/{number}").json["state"] == "error"
    assert is_error(browser.call("PATCH", f"/financial-institutions/{number}"), 429, "too_soon")

    def a_minute_later():
        db.session.query(FinancialInstitution).update({"realtime_at": utcnow() - timedelta(seconds=61)})
        db.session.commit()

    rows(a_minute_later)
    assert browser.call("PATCH", f"/financial-institutions/{number}").status_code == 202


@pytest.mark.parametrize("state", ["healthy", "needs_login", "expiring", "error"])
def test_a_refresh_is_accepted_in_every_state(ada, make, state):
    number, _ = make(state=state, error_code="ITEM_LOGIN_REQUIRED" if state == "needs_login" else None)
    assert ada[1].call("PATCH", f"/financial-institutions/{number}").status_code == 202


def test_but_not_when_access_has_ended(ada, make):
    number, _ = make(state="revoked", error_code="ITEM_NOT_FOUND")
    assert is_error(ada[1].call("PATCH", f"/financial-institutions/{number}"), 409, "access_ended")


def test_a_refresh_brings_the_banks_own_numbers(person, linked_app, at_once, bank):
    _, browser = person(on=linked_app)
    where = browser.call("POST", "/financial-institutions", {"public_token": "public-1"}).headers["Location"]
    assert browser.get(where).json["totals"][0]["holdings"] == "100.00"
    assert browser.call("PATCH", where).status_code == 202
    assert browser.get(where).json["totals"][0]["holdings"] == "150.00"
    assert len(bank.asked("/accounts/balance/get")) == 1


@pytest.mark.parametrize(
    "code, error_type, status, state",
    [
        ("ITEM_LOGIN_REQUIRED", "ITEM_ERROR", 400, "needs_login"),
        ("PENDING_EXPIRATION", "ITEM_ERROR", 400, "expiring"),
        ("ITEM_NOT_FOUND", "ITEM_ERROR", 400, "revoked"),
        ("INSTITUTION_DOWN", "INSTITUTION_ERROR", 400, "error"),
        ("RATE_LIMIT", "RATE_LIMIT_EXCEEDED", 429, "healthy"),
    ],
)
def test_a_failure_is_a_state_with_words_and_the_numbers_stay(
    person, linked_app, at_once, bank, code, error_type, status, state
):
    _, browser = person(on=linked_app)
    where = browser.call("POST", "/financial-institutions", {"public_token": "public-1"}).headers["Location"]
    for path in ("/accounts/get", "/accounts/balance/get", "/transactions/sync"):
        bank.always(path, failure(code, error_type, status))
    browser.call("PATCH", where)
    shown = browser.get(where).json
    assert shown["state"] == state
    assert shown["totals"] == [{"currency": "USD", "holdings": "100.00", "net_worth": "100.00"}]
    if state == "healthy":
        assert shown["error"] is None
    else:
        assert shown["error"].keys() == {"code", "message"}
        assert shown["error"]["code"] == code
        assert shown["error"]["message"].endswith(".")
    assert browser.get("/").status_code == 200


@pytest.mark.parametrize("vendor_works", [True, False])
def test_deleting_answers_200_whatever_the_vendor_does(person, linked_app, at_once, bank, rows, vendor_works):
    if not vendor_works:
        bank.always("/item/remove", (502, b"<html>"))
    _, browser = person(on=linked_app)
    where = browser.call("POST", "/financial-institutions", {"public_token": "public-1"}).headers["Location"]
    answer = browser.call("DELETE", where)
    assert answer.status_code == 200
    assert answer.json.keys() == {"html", "dashboard"}
    assert pieces(answer.json["html"]) >= {"summary", "institutions-head", "empty"}
    assert answer.json["dashboard"]["institutions"] == []
    assert answer.json["dashboard"]["totals"] == []
    assert is_error(browser.get(where), 404, "not_found")
    assert is_error(browser.call("DELETE", where), 404, "not_found")
    assert bank.asked("/item/remove") == [{"access_token": "access-sandbox-1"}]
    kept = rows(lambda: [(row.access_token, row.error_code) for row in db.session.query(ItemRemoval)])
    assert kept == ([] if vendor_works else [("access-sandbox-1", "HTTP_502")])


def test_deleting_one_leaves_the_others_and_their_totals(ada, make):
    first, _ = make({"current": Decimal(50), "available": None})
    second, _ = make({"current": Decimal(70), "available": None})
    answer = ada[1].call("DELETE", f"/financial-institutions/{first}")
    assert [row["id"] for row in answer.json["dashboard"]["institutions"]] == [second]
    assert answer.json["dashboard"]["totals"] == [
        {"currency": "USD", "holdings": "70.00", "net_worth": "70.00"}
    ]


def test_deleting_an_account_changes_card_and_totals(ada, make, rows):
    number, (first, second) = make({"available": Decimal(50)}, {"available": Decimal(70)})
    answer = ada[1].call("DELETE", f"/accounts/{first}")
    assert answer.status_code == 200
    assert answer.json.keys() == {"html", "dashboard"}
    assert pieces(answer.json["html"]) >= {f"institution-{number}", "summary", "institutions-head"}
    (institution,) = answer.json["dashboard"]["institutions"]
    assert [account["id"] for account in institution["accounts"]] == [second]
    assert institution["totals"] == [{"currency": "USD", "holdings": "70.00", "net_worth": "70.00"}]
    assert f'data-account-id="{first}"' not in answer.json["html"]
    assert is_error(ada[1].call("DELETE", f"/accounts/{first}"), 404, "not_found")
    assert "Restore 1 deleted account" in ada[1].get("/").text


def test_a_deleted_account_stays_deleted_until_it_is_restored(person, linked_app, at_once, bank):
    bank.always(
        "/accounts/get", plaid.accounts(plaid.account("a1"), plaid.account("a2", available=7, name="Other"))
    )
    bank.always(
        "/accounts/balance/get",
        plaid.accounts(plaid.account("a1"), plaid.account("a2", available=7, name="Other")),
    )
    _, browser = person(on=linked_app)
    where = browser.call("POST", "/financial-institutions", {"public_token": "public-1"}).headers["Location"]
    (institution,) = browser.get("/dashboard.json").json["institutions"]
    browser.call("DELETE", f"/accounts/{institution['accounts'][1]['id']}")
    browser.call("PATCH", where)
    assert browser.get(where).json["totals"][0]["holdings"] == "100.00"
    answer = browser.call("POST", f"{where}/restore-accounts")
    assert answer.status_code == 202
    assert answer.json.keys() == RESOURCE
    assert browser.get(where).json["totals"][0]["holdings"] == "107.00"


def test_a_logo_is_a_png_or_nothing(ada, make):
    with_logo, _ = make(logo=PNG, has_logo=True)
    without, _ = make()
    answer = ada[1].get(f"/financial-institutions/{with_logo}/logo")
    assert (answer.status_code, answer.content_type, answer.data) == (200, "image/png", PNG)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "private" in answer.headers["Cache-Control"]
    assert is_error(ada[1].get(f"/financial-institutions/{without}/logo"), 404, "not_found")
    page = ada[1].get("/").text
    assert f"/financial-institutions/{with_logo}/logo" in page
    assert f"/financial-institutions/{without}/logo" not in page


def test_the_link_token_of_the_vendor(person, linked_app, bank):
    user_id, browser = person(on=linked_app)
    answer = browser.call("POST", "/create_link_token", {})
    assert (answer.status_code, answer.json) == (
        200,
        {"link_token": "link-1", "expiration": "2026-11-23T12:00:00Z"},
    )
    assert bank.asked("/link/token/create")[0]["user"] == {"client_user_id": str(user_id)}
    no_body = browser.call("POST", "/create_link_token")
    assert no_body.status_code == 200


def test_dashboard_json_is_exactly_the_contract(ada, make):
    opened = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
    first, accounts = make(
        {"name": "Checking", "available": Decimal("100"), "current": Decimal("110.5"), "mask": None},
        {
            "name": "Card",
            "type": "credit",
            "subtype": "credit card",
            "available": None,
            "current": Decimal("410.1234"),
            "limit": Decimal(2000),
        },
        {
            "name": "Loan",
            "type": "loan",
            "subtype": None,
            "available": None,
            "current": Decimal("65262"),
            "official_name": "Student Loan",
        },
        {"name": "Unknown", "available": None, "current": None},
        {"name": "Coin", "type": "other", "available": None, "current": Decimal("0.0421"), "currency": "BTC"},
        {"name": "Bare", "currency": None},
        {"name": "Closed", "closed_at": opened},
        name="Bank A",
        refreshed_at=opened,
    )
    make(name="Bank B", state="needs_login", error_code="ITEM_LOGIN_REQUIRED", refreshed_at=None)
    figures = ada[1].get("/dashboard.json").json
    assert figures.keys() == {"as_of", "totals", "institutions"}
    assert datetime.fromisoformat(figures["as_of"]).tzinfo is not None
    dollars = {"currency": "USD", "holdings": "-310.1234", "net_worth": "-65572.1234"}
    coins = {"currency": "BTC", "holdings": "0.0421", "net_worth": "0.0421"}
    assert figures["totals"] == [dollars, coins]
    bank_a, bank_b = figures["institutions"]
    rows = bank_a.pop("accounts")
    assert bank_a == {
        "id": first,
        "name": "Bank A",
        "state": "healthy",
        "stage": "done",
        "working": False,
        "error": None,
        "refreshed_at": "2026-11-23T09:30:00+00:00",
        "totals": [dollars, coins],
    }
    assert (bank_b["state"], bank_b["error"]["code"], bank_b["accounts"]) == (
        "needs_login",
        "ITEM_LOGIN_REQUIRED",
        [],
    )
    assert (bank_b["refreshed_at"], bank_b["totals"]) == (None, [])
    assert [row["id"] for row in rows] == accounts
    assert all(row["budget_tracker"] is None for row in rows)
    keys = (
        "name",
        "mask",
        "type",
        "subtype",
        "currency",
        "available",
        "current",
        "limit",
        "contribution",
        "in_holdings",
    )
    assert [tuple(row[key] for key in keys) for row in rows] == [
        ("Checking", None, "depository", "checking", "USD", "100.00", "110.50", None, "100.00", True),
        ("Card", "0000", "credit", "credit card", "USD", None, "410.1234", "2000.00", "-410.1234", True),
        ("Loan", "0000", "loan", None, "USD", None, "65262.00", None, "-65262.00", False),
        ("Unknown", "0000", "depository", "checking", "USD", None, None, None, None, True),
        ("Coin", "0000", "other", "checking", "BTC", None, "0.0421", None, "0.0421", True),
        ("Bare", "0000", "depository", "checking", None, "100.00", "110.00", None, "100.00", True),
        ("Closed", "0000", "depository", "checking", "USD", "100.00", "110.00", None, None, True),
    ]


def test_a_new_person_has_an_empty_picture(ada):
    figures = ada[1].get("/dashboard.json").json
    assert (figures["totals"], figures["institutions"]) == ([], [])


def test_user_good_to_the_cent_through_page_and_json(ada, make):
    numbers = [
        ("depository", "100", "110"), ("depository", "200", "210"), ("depository", None, "1000"),
        ("credit", None, "410"), ("depository", "43200", "43200"), ("investment", None, "320.76"),
        ("investment", None, "23631.9805"), ("loan", None, "65262"), ("loan", None, "56302.06"),
        ("depository", "6009", "6009"), ("depository", "12060", "12060"), ("loan", None, "23211.33"),
        ("loan", None, "13500.5"), ("credit", "4980", "5020"),
    ]  # fmt: skip
    make(
        *(
            {"type": kind, "available": available and Decimal(available), "current": Decimal(current)}
            for kind, available, current in numbers
        )
    )
    assert ada[1].get("/dashboard.json").json["totals"] == [
        {"currency": "USD", "holdings": "81091.7405", "net_worth": "-77184.1495"}
    ]


AWKWARD = [
    "x" * 255,
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "a\\b",
    "بنك الراجحي",
    "🏦🏦",
    "a\u2028b",
    "{{ 7*7 }}",
    "</script>",
]


@pytest.mark.parametrize("name", AWKWARD)
def test_names_are_text_everywhere(ada, make, name):
    number, _ = make({"name": name, "official_name": name}, name=name)
    page = ada[1].get("/").text
    card = ada[1].get(f"/financial-institutions/{number}").json
    name = name.replace("\u2028", " ")  # a name is one line
    assert card["name"] == name
    for markup in (page, card["html"]):
        parsed = Page(markup)
        assert not [tag for tag, names in parsed.elements if tag == "script" and "src" not in names]
        assert not [names for _, names in parsed.elements if any(key.startswith("on") for key in names)]
        assert any(names.get("data-name") == name for _, names in parsed.elements)


def test_cards_carry_their_ids(ada, make):
    number, (account,) = make({})
    page = ada[1].get("/").text
    assert f'data-institution-id="{number}"' in page
    assert f'data-account-id="{account}"' in page


def test_rows_of_others_are_in_no_number(ada, person, make, rows):
    make({"available": Decimal(5)})
    stranger_id, stranger = person()
    rows(
        lambda: make_account(
            make_institution(db.session.get(User, stranger_id), name="Theirs"), available=Decimal(9)
        )
    )
    assert ada[1].get("/dashboard.json").json["totals"][0]["holdings"] == "5.00"
    assert stranger.get("/dashboard.json").json["totals"][0]["holdings"] == "9.00"
    assert "Theirs" not in ada[1].get("/").text


def test_deleting_leaves_no_account_rows(ada, make, rows):
    number, _ = make({}, {})
    ada[1].call("DELETE", f"/financial-institutions/{number}")
    assert rows(lambda: db.session.query(Account).count()) == 0


def test_refresh_everything_answers_with_every_card_and_then_says_when(ada, make, rows):
    first, second = make()[0], make()[0]
    answer = ada[1].call("PATCH", "/financial-institutions", {})
    assert answer.status_code == 202
    assert (answer.json["accepted"], answer.json["working"]) == (2, 2)
    assert {f"institution-{first}", f"institution-{second}"} <= pieces(answer.json["html"])
    assert "Refreshing: 0 of 2 done" in answer.json["html"]
    rows(stop_working)
    again = ada[1].call("PATCH", "/financial-institutions", {})
    assert is_error(again, 429, "too_soon")
    assert 0 < int(again.headers["Retry-After"]) <= 60
    assert 'data-ready-in="' in ada[1].get("/").text


def stop_working() -> None:
    db.session.execute(update(FinancialInstitution).values(due_at=None))
    db.session.commit()


def test_the_page_says_while_nobody_calls_the_vendor(ada, make, rows):
    make()
    words = "not answering just now"
    assert words not in ada[1].get("/").text
    rows(lambda: [vendors.failed("plaid:sandbox", "INTERNAL_SERVER_ERROR") for _ in range(8)])
    page = ada[1].get("/").text
    assert words in page
    assert "CashView tries again today" in page
    rows(lambda: vendors.succeeded(["plaid:sandbox"]))
    assert words not in ada[1].get("/").text
