"""Reconnecting, the page of connections, moving over, and the way back from a bank's own page."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from database import utcnow
from extensions import db
from models import Account, BudgetTracker, FinancialInstitution, User, UserSession
from tests.support import scripted_plaid as plaid
from tests.support.factories import make_account, make_institution, make_tracker
from tests.views.browsing import Page
from tests.views.conftest import sign_in
from tests.views.test_json_rules import is_error

LOGIN = {"state": "needs_login", "error_code": "ITEM_LOGIN_REQUIRED"}


@pytest.fixture
def ada(person, linked_app):
    return person(on=linked_app)


@pytest.fixture
def make(ada, rows):
    def institution(**changes):
        return rows(lambda: make_institution(db.session.get(User, ada[0]), **changes).id)

    return institution


@pytest.fixture
def at_bank(bank):
    ends = (utcnow() + timedelta(minutes=30)).isoformat()
    bank.always("/link/token/create", {"link_token": "link-1", "expiration": ends})
    return bank


def open_link(browser, **body):
    answer = browser.call("POST", "/create_link_token", body)
    assert answer.status_code == 200
    return answer.json


def test_a_token_for_an_institution_is_one_in_update_mode(ada, make, at_bank):
    number = make(**LOGIN)
    answer = open_link(ada[1], institution_id=number)
    assert answer.keys() == {"link_token", "expiration", "choose_accounts"}
    assert answer["choose_accounts"] is False
    (body,) = at_bank.asked("/link/token/create")
    assert body["access_token"].startswith("access-sandbox-")


def test_a_strangers_institution_is_not_there(ada, make, at_bank, person, linked_app):
    number = make(**LOGIN)
    _, stranger = person(on=linked_app)
    assert is_error(stranger.call("POST", "/create_link_token", {"institution_id": number}), 404, "not_found")
    assert at_bank.asked("/link/token/create") == []


def test_reconnected_is_read_at_once_and_the_warning_goes(ada, make, at_bank, at_once):
    number = make(**LOGIN)
    where = f"/financial-institutions/{number}"
    assert "data-reconnect" in ada[1].get("/").text
    answer = ada[1].call("POST", f"{where}/reconnected", {"chose_accounts": False})
    assert (answer.status_code, answer.headers["Location"]) == (202, where)
    assert (answer.json["id"], answer.json["state"]) == (number, "healthy")
    assert f'data-piece="institution-{number}"' in answer.json["html"]
    assert "data-reconnect" not in answer.json["html"]
    assert at_bank.asked("/item/public_token/exchange") == []


def test_after_a_refusal_the_bank_is_asked_and_nothing_that_is_known_changes(
    ada, make, at_bank, at_once, rows
):
    ends = utcnow().replace(microsecond=0) + timedelta(days=3)
    number = make(**LOGIN, expires_at=ends, new_accounts_at=utcnow(), realtime_at=utcnow())
    at_bank.always("/accounts/get", plaid.failure("INVALID_UPDATED_USERNAME"))
    where, body = f"/financial-institutions/{number}/reconnected", {"refused": True, "chose_accounts": True}
    assert is_error(ada[1].call("POST", where, body), 409, "no_link")
    open_link(ada[1], institution_id=number)
    answer = ada[1].call("POST", where, body)
    assert (answer.status_code, answer.json["state"]) == (202, "error"), "also within the minute"
    assert is_error(ada[1].call("POST", where, body), 409, "no_link"), "once for each Link that was opened"
    assert "Link it anew" in answer.json["html"]
    row = rows(lambda: db.session.get(FinancialInstitution, number))
    assert (row.expires_at, row.new_accounts_at is None) == (ends, False)


def test_ended_access_is_a_conflict(ada, make, at_bank):
    number = make(state="revoked", error_code="ITEM_NOT_FOUND")
    for answer in (
        ada[1].call("POST", "/create_link_token", {"institution_id": number}),
        ada[1].call("POST", f"/financial-institutions/{number}/reconnected"),
    ):
        assert is_error(answer, 409, "access_ended")


@pytest.mark.parametrize(
    "changes, wanted",
    [
        (LOGIN, "data-reconnect"),
        ({"state": "needs_login", "error_code": "NO_ACCOUNTS"}, "Choose accounts"),
        ({"new_accounts_at": utcnow()}, "Choose accounts"),
        ({"state": "revoked", "error_code": "ITEM_NOT_FOUND"}, "Link it anew"),
        ({"state": "error", "error_code": "MFA_NOT_SUPPORTED"}, "Delete it here"),
        ({"expires_at": utcnow() + timedelta(days=3)}, "Expires on "),
    ],
)
def test_card_and_page_say_the_one_thing_to_do(ada, make, changes, wanted):
    make(**changes)
    for path in ("/", "/connections"):
        page = ada[1].get(path).text
        assert page.count('data-key="need"') == 1
        assert wanted in page


def test_a_bank_that_is_down_has_nothing_to_press_and_the_age_of_its_numbers(ada, make):
    make(state="error", error_code="INSTITUTION_DOWN")
    page = ada[1].get("/").text
    assert 'data-key="need"' not in page
    assert "Numbers as of today, " in page


def test_the_page_is_a_piece_for_scripts(ada, make):
    number = make(**LOGIN)
    answer = ada[1].get("/connections", headers={"Accept": "application/json"})
    assert answer.json.keys() == {"html", "working"}
    assert f'id="connection-{number}"' in answer.json["html"]
    assert answer.json["working"] is False


def test_the_page_is_in_the_navigation_and_lets_link_in(ada):
    answer = ada[1].get("/connections")
    assert 'href="/connections" aria-current="page"' in answer.text
    assert "/link/v2/stable/link-initialize.js" in answer.text
    assert "frame-src http://127.0.0.1:9" in answer.headers["Content-Security-Policy"]
    assert "No bank is linked yet" in answer.text


# Moving over


@pytest.fixture
def replaced(ada, rows):
    """Old and new account of a bank that was linked anew; the old one has a tracker."""

    def both():
        user, same = db.session.get(User, ada[0]), {"plaid_institution_id": "ins_1", "name": "Bank of Tests"}
        old = make_institution(user, **LOGIN, **same)
        new = make_institution(user, transactions_status="HISTORICAL_UPDATE_COMPLETE", **same)
        accounts = [make_account(each, name="Checking") for each in (old, new)]
        make_tracker(accounts[0])
        return old.id, new.id, accounts[0].id, accounts[1].id

    return rows(both)


def test_moving_asks_first_and_shows_what_goes_where(ada, replaced):
    old, _, account, target = replaced
    assert f'href="/connections/{old}/move"' in ada[1].get("/").text
    page = ada[1].page(f"/connections/{old}/move")
    assert "Is this the same login?" in page.markup
    assert page.value(f"account-{account}") == str(target)
    assert "<small>budget tracker</small>" in page.markup


def test_yes_moves_and_no_leaves_both(ada, replaced, rows):
    old, new, account, target = replaced
    where = f"/connections/{old}/move"
    answer = ada[1].post(where, **{f"account-{account}": str(target)})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/connections")
    assert "has moved over" in ada[1].get("/connections").text
    assert rows(lambda: [row.account_id for row in db.session.query(BudgetTracker)]) == [target]
    assert rows(lambda: [row.id for row in db.session.query(FinancialInstitution)]) == [new]
    assert ada[1].get(where).status_code == 404


def test_accounts_that_count_twice_are_named_beside_the_totals(ada, replaced, rows):
    old, new, _, _ = replaced
    words = "<bdi>Bank of Tests</bdi></b> is linked twice"
    for path in ("/", "/totals/why"):
        page = ada[1].get(path).text
        assert words in page
        assert f'href="/#institution-{old}"' in page
    assert ada[1].get("/totals/why", headers={"Accept": "application/json"}).json["counted_twice"] == [
        "Bank of Tests"
    ]
    assert words not in ada[1].get(f"/totals/why?institution={new}").text, "of one there is nothing twice"

    def begun():
        newer = db.session.get(FinancialInstitution, new)
        newer.state, newer.transactions_status = "new", "NOT_READY"
        db.session.commit()

    rows(begun)
    page = ada[1].get("/").text
    assert words in page, "as soon as the new accounts are here"
    assert f"/connections/{old}/move" not in page, "but nothing moves before its history"
    ada[1].call("DELETE", f"/financial-institutions/{old}")
    assert "is linked twice" not in ada[1].get("/").text


WITHDRAWN = {
    "state": "revoked",
    "error_code": "USER_PERMISSION_REVOKED",
    "purged_at": utcnow(),
    "refreshed_at": utcnow(),
    "balances_as_of": None,
}


def test_withdrawn_access_is_neither_fresh_nor_without_an_end(ada, make):
    make(**WITHDRAWN)
    make()
    page = ada[1].get("/").text
    assert page.count("Updated <time") == 1
    assert "2 linked · 1 updated today" in page
    assert "reported no account" not in page.partition("Access ended")[2].partition("</article>")[0]
    connections = ada[1].get("/connections").text
    assert "it has ended" in connections
    assert "1 of 2 has no known end." in connections
    assert "Nothing is known to end in the coming twelve months." in connections


def test_of_withdrawn_access_a_tracker_waits_and_says_no_number(ada, make, rows):
    number = make(**WITHDRAWN)

    def tracked():
        account = make_account(
            db.session.get(FinancialInstitution, number),
            name="Everyday",
            closed_at=utcnow(),
            current=None,
            available=None,
        )
        make_tracker(account, threshold=Decimal(2800))
        return account.id

    account = rows(tracked)
    page = ada[1].get("/").text
    card = page.partition("Access ended")[2].partition("</article>")[0]
    assert "your budget tracker of $2,800.00 a month on <b>Everyday</b>" in card
    for false in ("spent this month", "closed at the bank", "unknown", "this would go"):
        assert false not in card
    assert 'data-accounts="0" data-ended' in page
    why = ada[1].get(f"/accounts/{account}/spending").text
    assert "the transactions of this account are deleted here" in why
    for false in ("has reported no transaction", "$2,800.00 left", "was last read"):
        assert false not in why
    assert "Closed" not in ada[1].get("/totals/why").text
    (institution,) = ada[1].get("/dashboard.json").json["institutions"]
    assert institution["accounts"] == []


def test_of_withdrawn_access_that_was_linked_anew_the_empty_card_can_go(ada, make, rows):
    same = {"plaid_institution_id": "ins_1", "name": "Bank of Tests"}
    old = make(**WITHDRAWN, **same)
    new = make(transactions_status="HISTORICAL_UPDATE_COMPLETE", **same)
    page = ada[1].get("/connections").text
    assert "Nothing of yours is left on this connection: it can go." in page
    assert "Delete it here" in page
    followed = (
        ada[1].get(f"/financial-institutions/{new}", headers={"Accept": "application/json"}).json["html"]
    )
    assert "Delete it here" in followed, "whoever watches the new one sees it on the old one's card"
    assert "is linked twice" not in ada[1].get("/").text
    asked = ada[1].get(f"/connections/{old}/move").text
    assert "there is no budget tracker, transaction or deletion on it" in asked
    assert "Yes, let the old one go" in asked
    assert ada[1].post(f"/connections/{old}/move").status_code == 303
    told = ada[1].get("/connections").text
    assert "The old connection to" in told
    assert "moved over" not in told


def test_nothing_is_left_though_the_new_connection_is_still_being_prepared(ada, make):
    same = {"plaid_institution_id": "ins_1", "name": "Bank of Tests"}
    make(**WITHDRAWN, **same)
    make(state="new", transactions_status="NOT_READY", **same)
    page = ada[1].get("/connections").text
    assert "Nothing of yours is left on this connection" in page
    assert "can move over" not in page


def test_a_second_login_that_was_there_before_access_was_withdrawn_is_no_new_link(ada, make):
    same = {"plaid_institution_id": "ins_1", "name": "Bank of Tests"}
    make(**WITHDRAWN, **same)
    make(created_at=utcnow() - timedelta(days=300), transactions_status="HISTORICAL_UPDATE_COMPLETE", **same)
    page = ada[1].get("/connections").text
    assert "Link it anew" in page
    assert "You have linked this bank anew" not in page


@pytest.mark.parametrize("days, moves", [(0, False), (2, True)])
def test_a_bank_that_never_says_whether_its_history_is_in_is_waited_for_a_day(
    ada, replaced, rows, days, moves
):
    old, new, _, _ = replaced

    def untold():
        newer = db.session.get(FinancialInstitution, new)
        newer.transactions_status = "TRANSACTIONS_UPDATE_STATUS_UNKNOWN"
        newer.created_at = utcnow() - timedelta(days=days)
        db.session.commit()

    rows(untold)
    assert (f"/connections/{old}/move" in ada[1].get("/").text) is moves


def test_what_is_left_of_withdrawn_access_moves(ada, make, rows):
    same = {"plaid_institution_id": "ins_1", "name": "Bank of Tests"}
    old, new = make(**WITHDRAWN, **same), make(transactions_status="HISTORICAL_UPDATE_COMPLETE", **same)
    rows(lambda: make_tracker(make_account(db.session.get(FinancialInstitution, old), name="Checking")).id)
    rows(lambda: make_account(db.session.get(FinancialInstitution, new), name="Checking").id)
    assert f'href="/connections/{old}/move"' in ada[1].get("/").text


@pytest.mark.parametrize("value", ["0", "999999", "-1", "x", "1.0", "١", "9" * 30, " 1"])
def test_nonsense_moves_nothing_and_comes_back_with_words(ada, replaced, rows, value):
    old, _, account, _ = replaced
    answer = ada[1].post(f"/connections/{old}/move", **{f"account-{account}": value})
    assert answer.status_code == 400
    assert "Please choose among the accounts shown." in Page(answer.text).markup
    assert rows(lambda: db.session.query(FinancialInstitution).count()) == 2


def test_what_matters_is_not_left_behind_by_an_empty_field(ada, replaced, rows):
    old, new, account, target = replaced
    where = f"/connections/{old}/move"
    rows(lambda: _rename(target, "Everyday"))
    rows(lambda: make_account(db.session.get(FinancialInstitution, old), name="Shared").id)
    rows(lambda: make_account(db.session.get(FinancialInstitution, new), name="Shared").id)
    page = ada[1].page(where)
    assert page.value(f"account-{account}") == "", "nothing looks like it"
    assert "Leave it behind, with its budget tracker" in page.markup
    answer = ada[1].post(where)
    assert answer.status_code == 400
    assert "Please choose for every account" in answer.text
    assert rows(lambda: db.session.query(BudgetTracker).count()) == 1
    field = f"account-{account}"
    gone = ada[1].post(where, **{field: "999999"})
    assert Page(gone.text).value(field) == "", (
        "a choice that is gone is none, not the first of those that are left"
    )
    assert ada[1].post(where, **{field: "none"}).status_code == 303
    assert rows(lambda: db.session.query(BudgetTracker).count()) == 0


def test_an_account_of_another_type_with_the_same_id_at_the_bank_can_be_chosen(ada, replaced, rows):
    old, _, account, target = replaced

    def same():
        for number, kind in ((account, "depository"), (target, "other")):
            row = db.session.get(Account, number)
            row.persistent_account_id, row.type = "p", kind
        db.session.commit()

    rows(same)
    where = f"/connections/{old}/move"
    assert ada[1].page(where).value(f"account-{account}") == str(target)
    assert ada[1].post(where, **{f"account-{account}": str(target)}).status_code == 303


def test_an_account_that_is_not_asked_about_gives_way(ada, replaced, rows):
    """An empty one that looks like the account which the person puts another one into."""
    old, new, account, target = replaced
    rows(lambda: _rename(target, "Everyday"))
    rows(lambda: make_account(db.session.get(FinancialInstitution, old), name="Savings").id)
    savings = rows(lambda: make_account(db.session.get(FinancialInstitution, new), name="Savings").id)
    answer = ada[1].post(f"/connections/{old}/move", **{f"account-{account}": str(savings)})
    assert answer.status_code == 303
    assert rows(lambda: [row.account_id for row in db.session.query(BudgetTracker)]) == [savings]


def test_a_card_that_waits_to_be_moved_follows_when_the_new_connection_is_deleted(ada, replaced):
    old, new, _, _ = replaced
    html = ada[1].call("DELETE", f"/financial-institutions/{new}").json["html"]
    assert f'data-piece="institution-{old}"' in html
    assert "Reconnect" in html
    assert "Move over" not in html


def _rename(account_id, name):
    db.session.get(Account, account_id).name = name
    db.session.commit()


def test_two_accounts_do_not_move_into_one(ada, replaced, rows):
    old, _, account, target = replaced
    second = rows(lambda: make_account(db.session.get(FinancialInstitution, old), name="Savings").id)
    rows(lambda: make_tracker(db.session.get(Account, second)))
    fields = {f"account-{account}": str(target), f"account-{second}": str(target)}
    answer = ada[1].post(f"/connections/{old}/move", **fields)
    assert answer.status_code == 400
    assert "Two accounts cannot move into one" in answer.text
    assert Page(answer.text).value(f"account-{second}") == str(target), "what was chosen is kept"


# Back from a bank's own page


def test_link_goes_on_with_the_token_that_the_server_kept(ada, make, at_bank):
    number = make(new_accounts_at=utcnow())
    open_link(ada[1], institution_id=number)
    answer = ada[1].get("/oauth-return?oauth_state_id=abc")
    assert answer.status_code == 200
    assert 'data-token="link-1"' in answer.text
    assert f'data-institution="{number}"' in answer.text
    assert 'data-choose="true"' in answer.text
    assert "frame-src" in answer.headers["Content-Security-Policy"]


def test_for_a_new_bank_there_is_no_institution(ada, at_bank):
    open_link(ada[1])
    assert 'data-institution=""' in ada[1].get("/oauth-return?oauth_state_id=abc").text


@pytest.mark.parametrize("query", ["", "?oauth_state_id=", "?other=1", "?oauth_state_id=" + "x" * 257])
def test_without_a_state_there_is_nothing_to_go_on_with(ada, at_bank, query):
    open_link(ada[1])
    answer = ada[1].get(f"/oauth-return{query}")
    assert answer.status_code == 400
    assert "cannot go on here" in answer.text
    assert "link-1" not in answer.text


def test_another_browser_and_somebody_who_is_not_signed_in_get_clear_words(ada, at_bank, linked_app, visitor):
    open_link(ada[1])
    for browser, next_step in ((sign_in(linked_app, ada[0]), "To the overview"), (visitor, "Log in")):
        answer = browser.get("/oauth-return?oauth_state_id=abc")
        assert answer.status_code == 400
        assert "does not know what was begun" in answer.text
        assert next_step in answer.text
        assert "link-1" not in answer.text
        assert "frame-src" not in answer.headers["Content-Security-Policy"]


def test_a_token_that_has_expired_is_over(ada, bank):
    past = (utcnow() - timedelta(seconds=1)).isoformat()
    bank.always("/link/token/create", {"link_token": "link-1", "expiration": past})
    open_link(ada[1])
    assert ada[1].get("/oauth-return?oauth_state_id=abc").status_code == 400


def test_an_institution_deleted_meanwhile_is_over(ada, make, at_bank):
    number = make(**LOGIN)
    open_link(ada[1], institution_id=number)
    ada[1].call("DELETE", f"/financial-institutions/{number}")
    assert ada[1].get("/oauth-return?oauth_state_id=abc").status_code == 400


def test_a_link_that_did_its_work_is_forgotten(ada, make, at_bank, rows):
    number = make(**LOGIN)
    open_link(ada[1], institution_id=number)
    ada[1].call("POST", f"/financial-institutions/{number}/reconnected")
    assert ada[1].get("/oauth-return?oauth_state_id=abc").status_code == 400
    open_link(ada[1])
    ada[1].call("POST", "/financial-institutions", {"public_token": "public-1"})
    assert ada[1].get("/oauth-return?oauth_state_id=abc").status_code == 400
    assert rows(lambda: ["link" in row.data for row in db.session.query(UserSession)]) == [False]
