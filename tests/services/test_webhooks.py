"""What each webhook changes: refreshes, warnings, ends; in any order, twice, beside a running refresh."""

from __future__ import annotations

import itertools
import threading
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import update

from database import utcnow
from extensions import db
from models import (
    Account,
    BalanceSnapshot,
    BudgetTracker,
    FinancialInstitution,
    Transaction,
    User,
    WebhookReceipt,
)
from providers.base import Webhook
from services import leases, outcomes, webhooks
from services.institutions import delete_institution
from services.linking import link
from services.refreshing import Outcome, refresh
from services.reporting import institution_view
from services.sweeping import sweep
from services.webhook_receipts import KEPT, purge, receipts_due, receive
from tests.support import scripted_plaid as plaid
from tests.support.factories import make_account, make_institution, make_tracker, make_transaction, make_user
from tests.support.reading import count

numbers = itertools.count(1)


def hook(code: str, type_: str = "ITEM", item_id: str | None = "item-x", **detail: str) -> int:
    """A receipt that was received just now, not worked on; its id."""
    found = Webhook(f"hash-{next(numbers)}", type_, code, "sandbox", item_id, {"sent_at": "100", **detail})
    receive(b"", "", lambda _body, _signature: found)
    return db.session.query(WebhookReceipt).filter_by(signature_hash=found.signature_hash).one().id


def outcome(receipt_id: int) -> str | None:
    db.session.expire_all()
    return db.session.get_one(WebhookReceipt, receipt_id).outcome


def done(code: str, type_: str = "ITEM", item_id: str | None = "item-x", **detail: str) -> str | None:
    """Received and worked on; its outcome."""
    receipt_id = hook(code, type_, item_id, **detail)
    webhooks.work(receipt_id)
    return outcome(receipt_id)


def login_required() -> str | None:
    return done("ERROR", error_code="ITEM_LOGIN_REQUIRED", error_kind="login")


@pytest.fixture
def bank_of(context):
    """A healthy institution, last read an hour ago; Item item-x."""
    hour_ago = utcnow() - timedelta(hours=1)
    return make_institution(make_user(), plaid_item_id="item-x", refreshed_at=hour_ago, due_at=None)


@pytest.fixture
def elsewhere(context):
    """Runs work as another process would: the vendor's thread has no application context of its own."""

    def run(work) -> None:
        with context.app_context():
            work()

    return run


def look(institution: FinancialInstitution) -> FinancialInstitution:
    db.session.expire_all()
    return institution


def due_now(institution: FinancialInstitution) -> None:
    table = FinancialInstitution
    db.session.execute(update(table).where(table.id == institution.id).values(due_at=utcnow()))
    db.session.commit()


LOOKED_AT = [
    ("TRANSACTIONS", "SYNC_UPDATES_AVAILABLE", "handled"),
    ("TRANSACTIONS", "INITIAL_UPDATE", "ignored"),
    ("TRANSACTIONS", "HISTORICAL_UPDATE", "ignored"),
    ("TRANSACTIONS", "DEFAULT_UPDATE", "ignored"),
    ("TRANSACTIONS", "TRANSACTIONS_REMOVED", "ignored"),
    ("HOLDINGS", "DEFAULT_UPDATE", "handled"),
    ("INVESTMENTS_TRANSACTIONS", "DEFAULT_UPDATE", "handled"),
    ("LIABILITIES", "DEFAULT_UPDATE", "handled"),
    ("ITEM", "LOGIN_REPAIRED", "handled"),
]


@pytest.mark.parametrize("type_, code, said", LOOKED_AT, ids=[" ".join(row[:2]) for row in LOOKED_AT])
def test_news_of_data_make_a_refresh_due_soon(bank_of, engine, type_, code, said):
    before = utcnow()
    assert done(code, type_) == said
    assert before <= look(bank_of).due_at <= utcnow() + webhooks.SETTLE
    assert bank_of.state == "healthy"
    name, ids, delay = engine.tasks[-1]
    assert (name, ids, 0 <= delay <= 2) == ("refresh", {"institution_id": bank_of.id}, True)


def test_a_burst_is_one_refresh(bank_of, bank, banks, engine):
    bank.always("/accounts/get", plaid.accounts(plaid.account("a1")))
    done("SYNC_UPDATES_AVAILABLE", "TRANSACTIONS")
    first = look(bank_of).due_at
    for type_, code, _ in LOOKED_AT[:8]:
        done(code, type_)
    assert look(bank_of).due_at == first
    due_now(bank_of)
    assert refresh(bank_of.id, banks, 60, only_wanted=True) is Outcome.DONE
    assert refresh(bank_of.id, banks, 60, only_wanted=True) is Outcome.BUSY, "nobody waits any more"
    assert len(bank.asked("/transactions/sync")) == 1


def test_an_item_that_was_just_read_is_left_alone_for_some_seconds(bank_of, engine):
    db.session.execute(update(FinancialInstitution).values(refreshed_at=utcnow()))
    db.session.commit()
    done("SYNC_UPDATES_AVAILABLE", "TRANSACTIONS")
    assert look(bank_of).due_at == bank_of.refreshed_at + webhooks.GAP


def test_news_while_a_refresh_is_running_make_a_second_one(bank_of, bank, banks, elsewhere):
    def answer(body):
        if len(bank.asked("/transactions/sync")) == 1:
            elsewhere(lambda: done("SYNC_UPDATES_AVAILABLE", "TRANSACTIONS"))
        return plaid.page(cursor="c1")

    bank.always("/transactions/sync", answer)
    assert refresh(bank_of.id, banks, 60) is Outcome.DONE
    assert look(bank_of).due_at is not None
    due_now(bank_of)
    assert refresh(bank_of.id, banks, 60, only_wanted=True) is Outcome.DONE
    assert look(bank_of).due_at is None
    assert len(bank.asked("/transactions/sync")) == 2


def test_an_error_sets_the_state_and_makes_us_look(bank_of, bank, banks):
    assert login_required() == "handled"
    assert (look(bank_of).state, bank_of.error_code) == ("needs_login", "ITEM_LOGIN_REQUIRED")
    bank.always("/accounts/get", plaid.failure("ITEM_LOGIN_REQUIRED"))
    due_now(bank_of)
    refresh(bank_of.id, banks, 60, only_wanted=True)
    assert (look(bank_of).state, bank_of.due_at) == ("needs_login", None)


@pytest.mark.parametrize(
    "code, kind, state",
    [
        ("ITEM_LOCKED", "login", "needs_login"),
        ("PENDING_EXPIRATION", "expiring", "expiring"),
        ("INSTITUTION_DOWN", "retry", "error"),
        ("RATE_LIMIT", "limit", "healthy"),
        ("ITEM_NOT_FOUND", "gone", "healthy"),  # final: only the vendor's own answer is believed
    ],
)
def test_an_error_means_what_it_means_while_refreshing(bank_of, code, kind, state):
    assert done("ERROR", error_code=code, error_kind=kind) == "handled"
    assert look(bank_of).state == state
    assert bank_of.due_at is not None


def test_an_error_that_comes_late_is_put_right_by_looking(bank_of, bank, banks):
    done("LOGIN_REPAIRED", sent_at="200")
    login_required()
    bank.always("/accounts/get", plaid.accounts(plaid.account("a1")))
    due_now(bank_of)
    refresh(bank_of.id, banks, 60, only_wanted=True)
    assert (look(bank_of).state, bank_of.error_code, bank_of.due_at) == ("healthy", None, None)


def test_an_error_during_a_refresh_that_succeeds_is_not_lost(bank_of, bank, banks, elsewhere):
    def answer(_body):
        elsewhere(login_required)
        return plaid.page(cursor="c1")

    bank.next("/transactions/sync", answer)
    refresh(bank_of.id, banks, 60)
    assert look(bank_of).due_at is not None
    bank.always("/accounts/get", plaid.failure("ITEM_LOGIN_REQUIRED"))
    due_now(bank_of)
    refresh(bank_of.id, banks, 60, only_wanted=True)
    assert look(bank_of).state == "needs_login"


def test_a_repair_during_a_refresh_that_fails_is_not_lost(bank_of, bank, banks, elsewhere):
    def answer(_body):
        elsewhere(lambda: done("LOGIN_REPAIRED"))
        return plaid.failure("ITEM_LOGIN_REQUIRED")

    bank.next("/accounts/get", answer)
    refresh(bank_of.id, banks, 60)
    assert (look(bank_of).state, bank_of.due_at is not None) == ("needs_login", True)
    bank.always("/accounts/get", plaid.accounts(plaid.account("a1")))
    due_now(bank_of)
    refresh(bank_of.id, banks, 60, only_wanted=True)
    assert look(bank_of).state == "healthy"


ENDS = utcnow().replace(microsecond=0) + timedelta(days=7)


@pytest.mark.parametrize("code", ["PENDING_DISCONNECT", "PENDING_EXPIRATION"])
def test_an_announced_end_is_a_warning_that_outlives_a_success(bank_of, bank, banks, code):
    assert done(code, ends_at=ENDS.isoformat()) == "handled"
    assert (look(bank_of).state, bank_of.error_code, bank_of.expires_at) == ("expiring", code, ENDS)
    assert bank_of.due_at is None
    bank.always("/accounts/get", plaid.accounts(plaid.account("a1")))
    assert refresh(bank_of.id, banks, 60) is Outcome.DONE
    assert (look(bank_of).state, bank_of.error_code, bank_of.expires_at) == ("expiring", code, ENDS)
    done("LOGIN_REPAIRED", sent_at="200")
    due_now(bank_of)
    refresh(bank_of.id, banks, 60, only_wanted=True)
    assert (look(bank_of).state, bank_of.error_code, bank_of.expires_at) == ("healthy", None, None)


def test_an_announcement_without_a_moment_means_a_week_and_the_bank_may_know_better(bank_of, bank, banks):
    done("PENDING_DISCONNECT")
    left = look(bank_of).expires_at - utcnow()
    assert timedelta(days=6, hours=23) < left <= timedelta(days=7)
    assert bank_of.due_at is not None, "it is asked"
    sooner = utcnow().replace(microsecond=0) + timedelta(days=4)
    item = {**plaid.ITEM, "consent_expiration_time": sooner.isoformat()}
    bank.always("/accounts/get", {**plaid.accounts(plaid.account("a1")), "item": item})
    due_now(bank_of)
    assert refresh(bank_of.id, banks, 60, only_wanted=True) is Outcome.DONE
    assert (look(bank_of).expires_at, bank_of.end_source) == (sooner, "consent")
    assert institution_view(bank_of.id).state == "expiring"


def test_a_guess_does_not_hide_an_end_that_is_known_and_comes_first(bank_of):
    sooner = utcnow().replace(microsecond=0) + timedelta(days=2)
    bank_of.expires_at = sooner
    db.session.commit()
    for _ in range(2):
        done("PENDING_DISCONNECT")
        assert (look(bank_of).expires_at, bank_of.end_source, bank_of.state) == (sooner, None, "expiring")
    login_required()
    done("PENDING_DISCONNECT")
    assert (look(bank_of).expires_at, bank_of.end_source) == (sooner, None)


@pytest.mark.parametrize("days", [3, 9])
def test_a_day_that_is_told_takes_the_place_of_a_guess(bank_of, days):
    done("PENDING_DISCONNECT")
    assert look(bank_of).end_source == "guessed"
    told = utcnow().replace(microsecond=0) + timedelta(days=days)
    done("PENDING_DISCONNECT", ends_at=told.isoformat())
    assert (look(bank_of).expires_at, bank_of.end_source) == (told, "announced")
    done("PENDING_DISCONNECT")
    assert look(bank_of).end_source == ("guessed" if days == 9 else "announced"), "the earlier one"
    done("LOGIN_REPAIRED", sent_at="200")
    assert (look(bank_of).expires_at, bank_of.end_source) == (None, None)


def test_an_announcement_that_comes_after_its_repair_or_its_own_end_is_ignored(bank_of):
    done("LOGIN_REPAIRED", sent_at="200")
    assert done("PENDING_EXPIRATION", ends_at=ENDS.isoformat(), sent_at="150") == "ignored"
    assert done("PENDING_DISCONNECT", ends_at="2020-01-01T00:00:00+00:00", sent_at="300") == "ignored"
    assert (look(bank_of).state, bank_of.expires_at) == ("healthy", None)


def test_an_announcement_does_not_hide_that_a_sign_in_is_needed(bank_of):
    login_required()
    done("PENDING_EXPIRATION", ends_at=ENDS.isoformat())
    assert (look(bank_of).state, bank_of.expires_at) == ("needs_login", ENDS)


def test_an_end_that_has_passed_is_no_warning_any_more(bank_of, bank, banks):
    db.session.execute(
        update(FinancialInstitution).values(state="expiring", expires_at=utcnow() - timedelta(minutes=1))
    )
    db.session.commit()
    bank.always("/accounts/get", plaid.accounts(plaid.account("a1")))
    refresh(bank_of.id, banks, 60)
    assert (look(bank_of).state, bank_of.error_code) == ("healthy", None)


def test_new_accounts_are_remembered_from_the_first_time_on(bank_of):
    assert done("NEW_ACCOUNTS_AVAILABLE") == "handled"
    first = look(bank_of).new_accounts_at
    done("NEW_ACCOUNTS_AVAILABLE")
    assert first is not None
    assert (look(bank_of).new_accounts_at, bank_of.due_at) == (first, None)


@pytest.fixture
def full(bank_of):
    """Two accounts with a snapshot, a transaction and a tracker each; one account more at another bank."""
    for account_id in ("gone", "stays"):
        account = make_account(bank_of, plaid_account_id=account_id)
        make_transaction(account, "5")
        make_tracker(account)
        db.session.add(BalanceSnapshot(account_id=account.id, local_date=utcnow().date()))
        db.session.commit()
    neighbour = make_account(make_institution(make_user()), plaid_account_id="gone")
    make_transaction(neighbour, "5")
    return bank_of


def kept() -> tuple[int, ...]:
    """Accounts, transactions, trackers and snapshots. A tracker's account stays as a name for when the bank is
    linked anew (services/relinking.py), with nothing that was in it."""
    return tuple(count(table) for table in (Account, Transaction, BudgetTracker, BalanceSnapshot))


def test_access_withdrawn_deletes_everything_but_the_card(full, engine):
    done("SYNC_UPDATES_AVAILABLE", "TRANSACTIONS")
    assert done("USER_PERMISSION_REVOKED") == "handled"
    assert kept() == (3, 1, 2, 0)
    row = look(full)
    assert (row.state, row.error_code, row.due_at, row.transactions_cursor) == (
        "revoked", "USER_PERMISSION_REVOKED", None, None,
    )  # fmt: skip
    purged_at = row.purged_at
    assert purged_at is not None
    for code in ("USER_PERMISSION_REVOKED", "LOGIN_REPAIRED", "PENDING_DISCONNECT", "NEW_ACCOUNTS_AVAILABLE"):
        assert done(code) == "ignored"
    login_required()
    done("SYNC_UPDATES_AVAILABLE", "TRANSACTIONS")
    row = look(full)
    assert (row.state, row.purged_at, row.due_at, row.expires_at) == ("revoked", purged_at, None, None)


def test_a_withdrawal_told_as_an_error_is_the_same(full):
    assert done("ERROR", error_code="USER_PERMISSION_REVOKED", error_kind="gone") == "handled"
    assert (kept(), look(full).state) == ((3, 1, 2, 0), "revoked")


def test_an_item_that_had_ended_before_is_purged_by_the_withdrawal(full):
    db.session.execute(update(FinancialInstitution).values(state="revoked", error_code="ITEM_NOT_FOUND"))
    db.session.commit()
    assert done("USER_PERMISSION_REVOKED") == "handled"
    assert look(full).purged_at is not None
    assert kept() == (3, 1, 2, 0)


def test_a_refresh_that_is_running_brings_nothing_back(full, bank, banks, elsewhere):
    def answer(_body):
        elsewhere(lambda: done("USER_PERMISSION_REVOKED"))
        return plaid.page([plaid.transaction("t9", 9, account_id="gone")], cursor="c1")

    bank.always("/accounts/get", plaid.accounts(plaid.account("gone"), plaid.account("stays")))
    bank.next("/transactions/sync", answer)
    assert refresh(full.id, banks, 60) is Outcome.BUSY
    assert (kept(), look(full).state) == ((3, 1, 2, 0), "revoked")


def test_an_account_withdrawn_goes_with_its_data(full, bank, banks, elsewhere):
    def answer(_body):
        elsewhere(lambda: done("USER_ACCOUNT_REVOKED", account_id="gone"))
        return plaid.page([plaid.transaction("t9", 9, account_id="gone")], cursor="c1")

    bank.next("/accounts/get", plaid.accounts(plaid.account("gone"), plaid.account("stays")))
    bank.next("/transactions/sync", answer)
    assert refresh(full.id, banks, 60) is Outcome.BUSY, "what it had read is older than the news"
    assert kept() == (2, 2, 1, 1)
    assert look(full).due_at is not None
    assert done("USER_ACCOUNT_REVOKED", account_id="gone") == "handled"
    assert done("USER_ACCOUNT_REVOKED", account_id="never-seen") == "handled"
    assert done("USER_ACCOUNT_REVOKED") == "ignored"
    assert kept() == (2, 2, 1, 1)


def test_an_account_the_person_deleted_keeps_its_mark(full):
    db.session.execute(update(Account).where(Account.plaid_account_id == "gone").values(deleted_at=utcnow()))
    db.session.commit()
    done("USER_ACCOUNT_REVOKED", account_id="gone")
    assert count(Account) == 3


def test_an_acknowledged_address_is_stored(bank_of):
    assert done("WEBHOOK_UPDATE_ACKNOWLEDGED", url="https://example.com/webhooks/plaid") == "handled"
    assert look(bank_of).webhook_url == "https://example.com/webhooks/plaid"


@pytest.mark.parametrize("type_, code", [("ITEM", "NEWS_OF_2031"), ("TAXES", "DEFAULT_UPDATE"), ("", "")])
def test_unknown_codes_are_recorded_and_change_nothing(bank_of, type_, code, caplog):
    assert done(code, type_) == "unknown_code"
    assert (look(bank_of).due_at, bank_of.state) == (None, "healthy")
    assert "unknown_code" in caplog.text
    assert receipts_due(utcnow() + timedelta(days=1)) == []


def test_the_same_item_in_the_other_environment_is_another(bank_of):
    db.session.execute(update(FinancialInstitution).values(environment="production"))
    db.session.commit()
    assert done("SYNC_UPDATES_AVAILABLE", "TRANSACTIONS") == "unknown_item"
    assert look(bank_of).due_at is None


def test_worked_on_once_however_often_it_is_asked_for(bank_of, engine):
    receipt_id = hook("SYNC_UPDATES_AVAILABLE", "TRANSACTIONS")
    for _ in range(3):
        webhooks.work(receipt_id)
    assert [task[0] for task in engine.tasks].count("refresh") == 1
    webhooks.work(10**9)


def test_many_workers_on_one_receipt_work_on_it_once(bank_of, elsewhere, engine):
    receipt_id = hook("SYNC_UPDATES_AVAILABLE", "TRANSACTIONS")
    threads = [threading.Thread(target=elsewhere, args=[lambda: webhooks.work(receipt_id)]) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert [task[0] for task in engine.tasks].count("refresh") == 1
    assert outcome(receipt_id) == "handled"


def test_workers_on_many_receipts_of_one_item_make_one_refresh(bank_of, elsewhere):
    ids = [hook("SYNC_UPDATES_AVAILABLE", "TRANSACTIONS") for _ in range(6)]
    threads = [threading.Thread(target=elsewhere, args=[partial(webhooks.work, number)]) for number in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert {outcome(number) for number in ids} == {"handled"}
    assert look(bank_of).due_at is not None


def test_the_sweep_finds_what_no_message_came_for(bank_of, engine):
    receipt_id = hook("SYNC_UPDATES_AVAILABLE", "TRANSACTIONS")
    engine.tasks.clear()
    sweep()
    assert ("webhook", {"receipt_id": receipt_id}, 0) in engine.tasks
    webhooks.work(receipt_id)
    engine.tasks.clear()
    sweep()
    assert not [task for task in engine.tasks if task[0] == "webhook"]


def test_one_that_breaks_is_tried_again_later_and_not_for_ever(bank_of, monkeypatch):
    def broken(*_args: object) -> None:
        raise RuntimeError("secret-detail")

    monkeypatch.setattr("services.webhooks._apply", broken)
    receipt_id = hook("LOGIN_REPAIRED")
    before = utcnow()
    webhooks.work(receipt_id)
    row = db.session.get_one(WebhookReceipt, receipt_id)
    assert (row.outcome, row.attempts) == (None, 1)
    assert row.due_at > before
    for _ in range(webhooks.MOST_ATTEMPTS):
        db.session.execute(
            update(WebhookReceipt).where(WebhookReceipt.due_at.is_not(None)).values(due_at=before)
        )
        db.session.commit()
        webhooks.work(receipt_id)
    assert (outcome(receipt_id), row.due_at) == ("failed", None)
    assert look(bank_of).due_at is None


# Items nobody knows


def test_an_unknown_item_is_recorded_and_looked_for_some_minutes(context, caplog):
    receipt_id = hook("SYNC_UPDATES_AVAILABLE", "TRANSACTIONS", "item-of-nobody")
    waited = timedelta()
    for _ in webhooks.ITEM_LADDER:
        webhooks.work(receipt_id)
        assert outcome(receipt_id) == "unknown_item"
        row = db.session.get_one(WebhookReceipt, receipt_id)
        waited += row.due_at - utcnow()
        row.due_at = utcnow()
        db.session.commit()
    assert "unknown_item" not in caplog.text
    webhooks.work(receipt_id)
    assert outcome(receipt_id) == "unknown_item"
    assert db.session.get_one(WebhookReceipt, receipt_id).due_at is None
    assert "unknown_item" in caplog.text
    assert timedelta(minutes=5) < waited < timedelta(minutes=15)


def test_a_webhook_that_beats_the_commit_of_its_item_is_not_lost(context, bank, banks, elsewhere):
    exchanged = {"access_token": "access-sandbox-new", "item_id": "item-new"}
    early = []

    def answer(_body):
        elsewhere(lambda: early.append(hook("NEW_ACCOUNTS_AVAILABLE", item_id="item-new")))
        elsewhere(lambda: webhooks.work(early[0]))
        return exchanged

    bank.always("/item/public_token/exchange", answer)
    institution = link(make_user(), "public-1", None, confirm_duplicate=False, banks=banks)
    assert outcome(early[0]) == "unknown_item"
    db.session.execute(update(WebhookReceipt).values(due_at=utcnow()))
    db.session.commit()
    webhooks.work(early[0])
    assert outcome(early[0]) == "handled"
    assert look(institution).new_accounts_at is not None


def test_an_item_that_is_being_ended_is_nobodys_news(bank_of):
    delete_institution(db.session.get_one(User, bank_of.user_id), bank_of)
    assert done("SYNC_UPDATES_AVAILABLE", "TRANSACTIONS") == "ignored"


def test_receipts_are_forgotten_after_two_weeks(context):
    old, new = hook("A"), hook("B")
    db.session.execute(
        update(WebhookReceipt)
        .where(WebhookReceipt.id == old)
        .values(received_at=utcnow() - KEPT - timedelta(minutes=1))
    )
    db.session.commit()
    assert purge(utcnow()) == 1
    assert [row.id for row in db.session.query(WebhookReceipt)] == [new]


def test_a_lease_taken_before_the_news_knows_that_it_is_wanted_anew(bank_of):
    claim = leases.claim(bank_of.id, 60, None, only_wanted=False)
    assert claim is not None
    wanted = (
        db.session.query(FinancialInstitution.id).filter(outcomes.WANTED_ANEW).params(outcomes.since(claim))
    )
    assert wanted.all() == []
    done("SYNC_UPDATES_AVAILABLE", "TRANSACTIONS")
    assert len(wanted.all()) == 1
