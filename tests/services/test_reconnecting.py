"""Update mode: a link token for an institution that is there, and the reading that follows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import text

from database import utcnow
from domain.errors import Conflict, VendorTrouble
from extensions import db
from models import Account, BudgetTracker, FinancialInstitution, Transaction, User
from services import leases
from services.connections import connections_of
from services.institutions import refresh_now
from services.reconnecting import MISSED_PAUSE, create_update_token, reconnected
from services.refreshing import Outcome, refresh
from services.reporting import institution_view
from tests.support import scripted_plaid as plaid
from tests.support import together
from tests.support.factories import make_institution, make_tracker, make_user
from tests.support.reading import account_row, count, read

NOW = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
TOKEN = {"link_token": "link-update-1", "expiration": "2026-11-23T17:30:00Z"}


@pytest.fixture
def known(institution, bank, banks):
    """Healthy: two accounts, each with a transaction."""
    with time_machine.travel(NOW, tick=False):
        bank.always("/link/token/create", TOKEN)
        both = plaid.accounts(plaid.account("a1"), plaid.account("a2", name="Savings"))
        bank.always("/accounts/get", both)
        bank.always("/accounts/balance/get", both)
        rows = [plaid.transaction("t1"), plaid.transaction("t2", account_id="a2")]
        bank.next("/transactions/sync", plaid.page(rows, cursor="c1"))
        read(institution, banks)
        yield institution


def consenting(ends: datetime) -> dict:
    """Both accounts, and when the consent ends."""
    item = {**plaid.ITEM, "consent_expiration_time": ends.isoformat()}
    return {"accounts": [plaid.account("a1"), plaid.account("a2", name="Savings")], "item": item}


def asked(bank) -> dict:
    (body,) = bank.asked("/link/token/create")
    return body


@pytest.mark.parametrize(
    "state, code, choosing, consent",
    [
        ("needs_login", "ITEM_LOGIN_REQUIRED", False, False),
        ("needs_login", "NO_ACCOUNTS", True, False),
        ("needs_login", "ACCESS_NOT_GRANTED", True, False),
        ("needs_login", "ADDITIONAL_CONSENT_REQUIRED", False, True),
        ("expiring", "PENDING_DISCONNECT", False, False),
        ("healthy", None, False, False),
    ],
)
def test_the_token_is_for_this_item(known, bank, banks, state, code, choosing, consent):
    known.state, known.error_code = state, code
    db.session.commit()
    token, chooses = create_update_token(known, banks)
    assert (token.link_token, chooses) == ("link-update-1", choosing)
    body = asked(bank)
    assert body["access_token"] == known.access_token
    assert body["user"] == {"client_user_id": str(known.user_id)}
    assert "products" not in body
    assert body.get("update") == ({"account_selection_enabled": True} if choosing else None)
    assert body.get("additional_consented_products") == (["transactions"] if consent else None)


def test_accounts_that_were_found_are_there_to_choose(known, bank, banks):
    known.new_accounts_at = NOW
    db.session.commit()
    _, chooses = create_update_token(known, banks)
    assert chooses
    assert asked(bank)["update"] == {"account_selection_enabled": True}


def test_ended_access_cannot_be_renewed(known, bank, banks):
    known.state = "revoked"
    db.session.commit()
    for attempt in (
        lambda: create_update_token(known, banks),
        lambda: reconnected(known, chose_accounts=False),
    ):
        with pytest.raises(Conflict) as refused:
            attempt()
        assert refused.value.code == "access_ended"
    assert bank.asked("/link/token/create") == []
    assert known.due_at is None


@pytest.mark.parametrize(
    "code, error",
    [("ITEM_NOT_FOUND", Conflict), ("INTERNAL_SERVER_ERROR", VendorTrouble), ("RATE_LIMIT", VendorTrouble)],
)
def test_a_vendor_that_gives_no_token_changes_nothing(known, bank, banks, code, error):
    before = (known.state, known.error_code, known.due_at)
    bank.always("/link/token/create", plaid.failure(code))
    with pytest.raises(error) as refused:
        create_update_token(known, banks)
    assert code not in refused.value.message
    db.session.expire_all()
    assert (known.state, known.error_code, known.due_at) == before


def test_a_token_that_no_key_opens_is_no_crash(known, banks):
    db.session.execute(
        text("UPDATE financial_institutions SET access_token = 'nonsense' WHERE id = :id"), {"id": known.id}
    )
    db.session.commit()
    db.session.expire_all()
    with pytest.raises(VendorTrouble):
        create_update_token(known, banks)


def test_fault_21_a_bank_that_wants_a_login_is_marked_others_work_and_update_mode_mends_it(
    known, bank, banks, engine
):
    """Rows of the fault table: ITEM_LOGIN_REQUIRED."""
    other = make_institution(make_user(), identified=True)
    bank.next("/accounts/get", plaid.failure("ITEM_LOGIN_REQUIRED"))
    assert read(known, banks) is Outcome.FAILED
    view = institution_view(known.id)
    assert (view.state, view.need.act, view.need.label) == ("needs_login", "reconnect", "Reconnect")
    assert read(other, banks) is Outcome.DONE
    assert other.state == "healthy"

    items = count(Account)
    create_update_token(known, banks)
    reconnected(known, chose_accounts=False)
    assert engine.tasks == [("refresh_now", {"institution_id": known.id}, 0)]
    assert institution_view(known.id).state == "refreshing"
    assert refresh(known.id, banks, 60, only_wanted=True) is Outcome.DONE
    db.session.expire_all()
    assert (known.state, known.error_code, institution_view(known.id).need) == ("healthy", None, None)
    assert count(Account) == items, "the same Item: nothing was linked"
    assert bank.asked("/item/public_token/exchange") == []


@pytest.mark.parametrize("code", ["PENDING_DISCONNECT", "PENDING_EXPIRATION"])
@pytest.mark.parametrize("guessed, says", [(True, "by"), (False, "on")])
def test_fault_21_a_bank_that_announces_its_end_still_works_and_says_the_day(
    known, bank, banks, engine, code, guessed, says
):
    known.state, known.error_code, known.expires_at = "expiring", code, NOW + timedelta(days=5)
    known.end_source = "guessed" if guessed else "announced"
    db.session.commit()
    view = institution_view(known.id)
    assert (view.state, view.state_label) == ("expiring", f"Expires {says} Saturday, Nov 28")
    assert view.need.act == "reconnect"
    assert read(known, banks) is Outcome.DONE
    view = institution_view(known.id)
    assert (view.state, view.need.act) == ("expiring", "reconnect"), "a success does not move the end"

    reconnected(known, chose_accounts=False)
    assert refresh(known.id, banks, 60, only_wanted=True) is Outcome.DONE
    assert institution_view(known.id).need is None


def test_the_end_of_the_consent_is_known_from_every_reading(known, bank, banks):
    ends = NOW + timedelta(days=300)
    item = {**plaid.ITEM, "consent_expiration_time": ends.isoformat()}
    bank.always("/accounts/get", {"accounts": [plaid.account("a1")], "item": item})
    for _ in range(2):  # the second one finds the end already there
        read(known, banks)
        assert (known.expires_at, known.state, known.error_code) == (ends, "healthy", None)
        assert institution_view(known.id).need is None
    with time_machine.travel(ends - timedelta(days=6), tick=False):
        assert institution_view(known.id).state == "expiring"


@pytest.mark.parametrize("watched", [True, False])
@pytest.mark.parametrize("code", ["PENDING_DISCONNECT", "PENDING_EXPIRATION"])
def test_an_announced_end_stays_before_that_of_the_consent_until_it_was_renewed(
    known, bank, banks, engine, code, watched
):
    announced, consent = NOW + timedelta(days=5), NOW + timedelta(days=365)
    bank.always("/accounts/get", consenting(consent))
    bank.always("/accounts/balance/get", consenting(consent))
    known.state, known.error_code, known.expires_at = "expiring", code, announced
    known.end_source = "announced"
    known.due_at = NOW if watched else None
    db.session.commit()
    for _ in range(2):
        assert read(known, banks) is Outcome.DONE
        assert (known.state, known.error_code, known.expires_at) == ("expiring", code, announced)

    reconnected(known, chose_accounts=False)
    assert read(known, banks) is Outcome.DONE
    assert (known.state, known.error_code, known.expires_at) == ("healthy", None, consent)


def test_an_end_of_the_consent_that_comes_earlier_or_was_moved_is_believed(known, bank, banks):
    """An earlier one than what was announced; and a later one than what was only known, which was renewed."""
    known.state, known.error_code, known.expires_at = (
        "expiring",
        "PENDING_DISCONNECT",
        NOW + timedelta(days=5),
    )
    db.session.commit()
    for days in (3, 300, 365):
        bank.always("/accounts/get", consenting(NOW + timedelta(days=days)))
        if days == 300:
            known.state, known.error_code, known.expires_at = "healthy", None, NOW + timedelta(days=30)
            db.session.commit()
        read(known, banks)
        assert known.expires_at == NOW + timedelta(days=days)


@pytest.mark.parametrize("days", [365, -2, None])
def test_an_announced_end_that_has_passed_gives_way(known, bank, banks, days):
    """It works after all, whether or not the bank names another end, or one that has passed too."""
    known.state, known.error_code, known.expires_at = (
        "expiring",
        "PENDING_DISCONNECT",
        NOW - timedelta(days=1),
    )
    db.session.commit()
    named = None if days is None else NOW + timedelta(days=days)
    bank.always("/accounts/get", consenting(named) if named else plaid.accounts(plaid.account("a1")))
    read(known, banks)
    assert (known.state, known.expires_at) == ("healthy", named if days == 365 else None)
    assert institution_view(known.id).need is None


@pytest.mark.parametrize(
    "days, wanted, source",
    [
        (3, 3, "consent"),
        (6, 6, "consent"),
        (7, 7, "consent"),
        (300, 5, "guessed"),
        (None, 5, "guessed"),
    ],
)
def test_a_day_that_the_bank_tells_takes_the_place_of_a_guess(known, bank, banks, days, wanted, source):
    """Unless it is the consent's own, far from now: the announcement is about something else."""
    known.state, known.error_code, known.expires_at = (
        "expiring",
        "PENDING_DISCONNECT",
        NOW + timedelta(days=5),
    )
    known.end_source = "guessed"
    db.session.commit()
    told = consenting(NOW + timedelta(days=days)) if days else plaid.accounts(plaid.account("a1"))
    bank.always("/accounts/get", told)
    for _ in range(2):
        read(known, banks)
        assert (known.expires_at, known.end_source) == (NOW + timedelta(days=wanted), source)
        assert institution_view(known.id).state == "expiring"


def test_a_near_end_of_the_consent_is_no_announcement_and_moves_when_it_is_renewed(known, bank, banks):
    for days in (6, 365, 7.5, 7.5, None):
        ends = NOW + timedelta(days=days) if days else None
        bank.always("/accounts/get", consenting(ends) if ends else plaid.accounts(plaid.account("a1")))
        read(known, banks)
        assert (known.state, known.expires_at) == ("healthy", ends or NOW + timedelta(days=7.5))


def test_an_end_that_has_come_is_over_on_the_page_of_connections(known):
    known.state, known.error_code = "needs_login", "ITEM_LOGIN_REQUIRED"
    known.expires_at, known.end_source = NOW - timedelta(days=20), "guessed"
    db.session.commit()
    found = connections_of(db.session.get_one(User, known.user_id))
    (row,) = found.connections
    assert (row.ended, row.ends_on, found.endless, found.foreseen) == (True, None, 0, False)


def test_a_guess_stays_one_through_a_failure(known, bank, banks):
    known.state, known.error_code, known.expires_at = (
        "expiring",
        "PENDING_DISCONNECT",
        NOW + timedelta(days=5),
    )
    known.end_source = "guessed"
    db.session.commit()
    bank.next("/accounts/get", plaid.failure("INSTITUTION_DOWN"))
    read(known, banks)
    assert known.state == "error"
    (row,) = connections_of(db.session.get_one(User, known.user_id)).connections
    assert (row.ends_words, row.ends_by) == ("Expires by Saturday, Nov 28", True)
    read(known, banks)
    assert institution_view(known.id).state_label == "Expires by Saturday, Nov 28"


def test_a_reading_under_way_does_not_undo_it(app, known, bank, banks, engine):
    """It began before the person signed in: what it finds out is old."""

    number = known.id

    def meanwhile(_body):
        with app.app_context():
            reconnected(db.session.get_one(FinancialInstitution, number), chose_accounts=False)
        return plaid.failure("ITEM_LOGIN_REQUIRED")

    bank.next("/accounts/get", meanwhile)
    read(known, banks)
    assert (known.state, known.due_at) == ("healthy", NOW)


def test_real_time_numbers_are_not_asked_for_twice_in_a_minute(known, engine):
    known.realtime_at = NOW - timedelta(seconds=30)
    db.session.commit()
    reconnected(known, chose_accounts=False)
    assert (known.realtime_wanted, known.realtime_at) == (False, NOW - timedelta(seconds=30))
    assert engine.tasks == [("refresh", {"institution_id": known.id}, 0)]


def test_real_time_numbers_that_were_had_a_moment_ago_are_enough(known, bank, banks, engine):
    with time_machine.travel(NOW + timedelta(seconds=10), tick=False):
        refresh_now(known)
        assert read(known, banks) is Outcome.DONE
    with time_machine.travel(NOW + timedelta(seconds=40), tick=False):
        reconnected(known, chose_accounts=False)
    assert (known.realtime_wanted, engine.tasks[-1][0]) == (False, "refresh")


@pytest.mark.parametrize("code", ["ITEM_LOGIN_REQUIRED", "INSTITUTION_DOWN"])
def test_real_time_numbers_that_were_not_had_are_asked_for_again_at_once(known, bank, banks, engine, code):
    """The reading failed, or the bank refused and what was cached came instead."""
    with time_machine.travel(NOW + timedelta(seconds=10), tick=False):
        refresh_now(known)
        bank.next("/accounts/balance/get", plaid.failure(code))
        read(known, banks)
    later = NOW + timedelta(seconds=40)
    with time_machine.travel(later, tick=False):
        reconnected(known, chose_accounts=False)
        assert (known.realtime_wanted, known.realtime_at) == (True, later)
        assert engine.tasks[-1] == ("refresh_now", {"institution_id": known.id}, 0)
        assert refresh(known.id, banks, 60, only_wanted=True) is Outcome.DONE
    db.session.expire_all()
    assert (known.balances_as_of, len(bank.asked("/accounts/balance/get"))) == (later, 2)


@pytest.mark.parametrize("under_way", [True, False])
def test_a_real_time_reading_that_is_cut_or_still_waits_is_asked_for_again(
    app, known, bank, banks, engine, under_way
):
    number, later = known.id, NOW + timedelta(seconds=10)

    def renewed() -> None:
        reconnected(db.session.get_one(FinancialInstitution, number), chose_accounts=False)

    with time_machine.travel(later, tick=False):
        refresh_now(known)
        if under_way:
            answer = plaid.accounts(plaid.account("a1"), plaid.account("a2", name="Savings"))
            bank.next("/accounts/balance/get", together.meanwhile(app, renewed, answer))
            assert read(known, banks) is Outcome.BUSY
        else:
            renewed()
            db.session.expire_all()
        assert (known.realtime_wanted, known.due_at) == (True, later + MISSED_PAUSE)
        assert engine.tasks[-1] == ("refresh_now", {"institution_id": number}, MISSED_PAUSE.total_seconds())
        assert refresh(number, banks, 60, only_wanted=True) is Outcome.BUSY, "the bank is left some seconds"
    with time_machine.travel(later + MISSED_PAUSE, tick=False):
        assert refresh(number, banks, 60, only_wanted=True) is Outcome.DONE
    db.session.expire_all()
    assert (known.balances_as_of, known.realtime_wanted) == (later + MISSED_PAUSE, False)
    assert bank.requests[-2][0] == "/accounts/balance/get"


def test_a_click_each_second_asks_the_bank_five_times_a_minute_at_most(known, engine):
    """Each click ends the reading that is under way, which has asked the bank already."""
    asked = []
    for second in range(60):
        with time_machine.travel(NOW + timedelta(seconds=second), tick=False):
            reconnected(known, chose_accounts=False)
            claimed = leases.claim(known.id, 60, None, only_wanted=True)
            if claimed is not None and claimed.realtime:
                asked.append(second)
            db.session.expire_all()
    assert asked[0] == 0
    assert 2 <= len(asked) <= 5, asked


def test_what_was_not_chosen_is_deleted_and_what_was_closed_before_stays(known, bank, banks, engine):
    make_tracker(account_row("a2"))
    bank.always("/accounts/get", plaid.accounts(plaid.account("a1"), plaid.account("a3", name="New")))
    bank.always("/accounts/balance/get", plaid.accounts(plaid.account("a1"), plaid.account("a3", name="New")))
    known.new_accounts_at = NOW
    account_row("a1").closed_at = None
    db.session.commit()
    reconnected(known, chose_accounts=True)
    assert (known.new_accounts_at, known.accounts_chosen_at) == (None, NOW)
    refresh(known.id, banks, 60, only_wanted=True)
    db.session.expire_all()
    assert {row.plaid_account_id for row in db.session.query(Account)} == {"a1", "a3"}
    assert [row.plaid_transaction_id for row in db.session.query(Transaction)] == ["t1"]
    assert count(BudgetTracker) == 0
    assert known.accounts_chosen_at is None


def test_without_a_choice_an_account_that_is_missing_is_closed(known, bank, banks, engine):
    bank.always("/accounts/balance/get", plaid.accounts(plaid.account("a1")))
    reconnected(known, chose_accounts=False)
    refresh(known.id, banks, 60, only_wanted=True)
    db.session.expire_all()
    assert account_row("a2").closed_at == NOW


def test_a_choice_waits_for_a_reading_that_works(known, bank, banks, engine):
    bank.next("/accounts/balance/get", plaid.failure("INTERNAL_SERVER_ERROR", status=500))
    bank.next("/accounts/get", plaid.failure("INTERNAL_SERVER_ERROR", status=500))
    reconnected(known, chose_accounts=True)
    assert refresh(known.id, banks, 60, only_wanted=True) is Outcome.FAILED
    db.session.expire_all()
    assert (known.accounts_chosen_at, count(Account)) == (NOW, 2)
    assert utcnow() == NOW
