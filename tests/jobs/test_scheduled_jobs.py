"""The scheduler's entry: what a run does, counts and says, and its exit code."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, text

from extensions import db
from models import FinancialInstitution, ItemRemoval, User, UserSession
from services import sessions
from tests.support import scripted_plaid as plaid
from tests.support.factories import _added, make_institution, make_user
from tests.support.reading import balances, count

NOW = datetime.now(UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DOWN = plaid.failure("INSTITUTION_DOWN", "INSTITUTION_ERROR")
ZERO_TEXTS = {"sent": 0, "unknown": 0, "skipped": 0, "failed": 0, "pending": 0}


def report(refreshed: int = 0, failed: int = 0, removals: int = 0, cleaned: int = 0) -> dict[str, Any]:
    return {
        "refreshed": refreshed,
        "failed": failed,
        "texts": ZERO_TEXTS,
        "removals": removals,
        "cleaned": cleaned,
    }


def make_removal(name: str, **changes: Any) -> ItemRemoval:
    values = {
        "environment": "sandbox",
        "plaid_item_id": name,
        "access_token": f"access-{name}",
        "due_at": NOW,
    }
    return _added(ItemRemoval(**{**values, **changes}))


@pytest.fixture
def work(context) -> dict[str, int]:
    """One of everything that is due, and of everything that is not: what each part should do."""
    user = make_user()
    due = make_institution(user, scheduled_at=NOW - HOUR)
    later = make_institution(user, scheduled_at=NOW + 6 * HOUR)
    make_institution(user, scheduled_at=NOW - HOUR, state="revoked")
    make_removal("due")
    make_removal("later", due_at=NOW + 6 * HOUR)
    make_user(is_demo=True, created_at=NOW - DAY)
    make_user(is_demo=True, created_at=NOW - DAY + HOUR)
    sessions.save("living", user.id, {}, create=True)
    sessions.save("idle", user.id, {}, create=True)
    db.session.execute(
        UserSession.__table__.update()
        .where(UserSession.id == db.session.scalar(select(UserSession.id).order_by(UserSession.id.desc())))
        .values(last_seen_at=NOW - 2 * HOUR)
    )
    db.session.commit()
    return {"due": due.id, "later": later.id}


def tables() -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, as the database has it."""
    rows = {}
    for table in db.metadata.sorted_tables:
        found = db.session.execute(text(f"SELECT * FROM {table.name}")).all()
        rows[table.name] = sorted(map(repr, found))
    db.session.rollback()
    return rows


def test_a_run_does_every_part_and_its_last_line_is_the_report(work, job, bank):
    ran = job()
    assert (ran.code, ran.report) == (0, report(refreshed=1, removals=1, cleaned=2))
    assert balances() == {"a1": (Decimal(100), Decimal(110), None, "USD")}
    assert [body["access_token"] for body in bank.asked("/item/remove")] == ["access-due"]
    assert (count(ItemRemoval), count(User), count(UserSession)) == (1, 2, 1)
    assert bank.asked("/accounts/balance/get") == []


def test_a_second_run_finds_nothing_left_to_do(work, job, bank):
    job()
    bank.requests.clear()
    ran = job()
    assert (ran.code, ran.report) == (0, report())
    assert bank.requests == []


@pytest.mark.parametrize(
    "part, expected",
    [
        ("refresh", report(refreshed=1)),
        ("removals", report(removals=1)),
        ("cleanup", report(cleaned=2)),
        ("texts", report()),
    ],
)
def test_one_part_alone_does_only_that(work, job, bank, part, expected):
    ran = job("--only", part)
    assert (ran.code, ran.report) == (0, expected)
    assert bool(bank.asked("/accounts/get")) == (part == "refresh")
    assert bool(bank.asked("/item/remove")) == (part == "removals")
    assert count(User) == (2 if part == "cleanup" else 3)


@pytest.mark.parametrize(
    "arguments", [(), ("--only", "refresh"), ("--only", "removals"), ("--only", "cleanup")]
)
def test_a_dry_run_writes_nothing_and_calls_no_vendor(work, job, bank, arguments):
    before = tables()
    ran = job("--dry-run", *arguments)
    assert tables() == before
    assert bank.requests == []
    assert ran.code == 0
    every = not arguments
    assert ran.report == report(
        refreshed=int(every or "refresh" in arguments), removals=int(every or "removals" in arguments)
    )


def test_another_moment_moves_what_is_due(work, job, bank):
    db.session.execute(text("DELETE FROM item_removals WHERE plaid_item_id = 'due'"))
    db.session.commit()
    moment = (NOW + 7 * HOUR).astimezone(UTC).isoformat()
    ran = job("--at", moment)
    assert (ran.code, ran.report) == (0, report(refreshed=2, removals=1, cleaned=4))
    assert count(ItemRemoval) == 0
    assert count(User) == 1, "both demo copies are a day old by then"


def test_an_earlier_moment_finds_nothing_due(work, job, bank):
    ran = job("--at", (NOW - 3 * DAY).isoformat())
    assert (ran.code, ran.report) == (0, report())
    assert bank.requests == []


def test_the_moment_is_read_with_its_offset(work, job, bank):
    moment = NOW + 7 * HOUR
    far_east = moment.astimezone(tz=__import__("zoneinfo").ZoneInfo("Asia/Kathmandu"))
    ran = job("--at", far_east.isoformat(), "--only", "refresh")
    assert ran.report == report(refreshed=2)


@pytest.mark.parametrize("moment", ["2026-11-23T09:00:00", "tomorrow", "2026-13-01T00:00:00Z", ""])
def test_a_moment_without_an_offset_or_sense_is_refused(context, job, moment):
    with pytest.raises(SystemExit) as ended:
        job("--at", moment)
    assert ended.value.code == 2


def test_leases_use_the_real_clock_whatever_the_moment(context, job, bank):
    """A dead worker's lease ran out an hour ago; a living one's runs for five more minutes."""
    user = make_user()
    long_due = NOW - 9 * DAY
    dead = make_institution(user, scheduled_at=long_due, lease_id="dead", lease_until=NOW - HOUR)
    living = make_institution(
        user, scheduled_at=long_due, lease_id="living", lease_until=NOW + timedelta(minutes=5)
    )
    make_removal("dead", due_at=long_due, lease_until=NOW - HOUR)
    make_removal("living", due_at=long_due, lease_until=NOW + timedelta(minutes=5))

    ran = job("--at", (NOW - 2 * DAY).isoformat())
    assert (ran.code, ran.report) == (0, report(refreshed=1, removals=1))
    db.session.expire_all()
    assert (dead.lease_id, living.lease_id) == (None, "living")

    ran = job("--at", (NOW + 2 * DAY).isoformat())
    db.session.expire_all()
    assert living.lease_id == "living", "it is still being read, however late we pretend it is"
    assert ran.report == report(refreshed=1)
    assert db.session.scalars(select(ItemRemoval.plaid_item_id)).all() == ["living"]


def test_after_days_of_silence_one_run_brings_everything_up_to_date(context, job, bank):
    user = make_user()
    for days in range(1, 4):
        make_institution(user, scheduled_at=NOW - days * DAY)
    assert job().report == report(refreshed=3)
    assert job().report == report()


def by_token(**answers: Any):
    """An answer that depends on whose accounts are asked for; others have one account."""

    def respond(body: dict[str, Any]) -> Any:
        return answers.get(body["access_token"], plaid.accounts(plaid.account("a1")))

    return respond


def test_a_failing_institution_never_stops_the_others_nor_the_run(context, job, bank, monkeypatch):
    user = make_user()
    names = ["good1", "login", "down", "gone", "limit", "html", "broken", "good2"]
    rows = {name: make_institution(user, access_token=name) for name in names}
    unreadable = make_institution(user)
    db.session.execute(
        text("UPDATE financial_institutions SET access_token = 'x' WHERE id = :id"), {"id": unreadable.id}
    )
    db.session.commit()
    bank.always(
        "/accounts/get",
        by_token(
            login=plaid.failure("ITEM_LOGIN_REQUIRED"),
            down=DOWN,
            gone=plaid.failure("ITEM_NOT_FOUND"),
            limit=plaid.failure("ACCOUNTS_LIMIT", "RATE_LIMIT_EXCEEDED", 429),
            html=(200, b"<html></html>"),
            broken=plaid.accounts(plaid.account("a1", subtype="explode")),
        ),
    )
    explode_at("explode", monkeypatch)

    ran = job()

    db.session.expire_all()
    states = {name: (row.state, row.error_code) for name, row in rows.items()}
    assert states == {
        "good1": ("healthy", None),
        "login": ("needs_login", "ITEM_LOGIN_REQUIRED"),
        "down": ("error", "INSTITUTION_DOWN"),
        "gone": ("revoked", "ITEM_NOT_FOUND"),
        "limit": ("healthy", None),
        "html": ("error", "INVALID_RESPONSE"),
        "broken": ("error", "INTERNAL"),
        "good2": ("healthy", None),
    }
    assert unreadable.error_code == "ACCESS_TOKEN_UNREADABLE"
    # Banks in trouble never make it 1; a token that no key opens does: somebody must look at ENCRYPTION_KEYS.
    assert (ran.code, ran.report) == (1, report(refreshed=2, failed=7))


def explode_at(subtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake of ours that only one bank's data brings to light."""
    from providers import plaid_records

    real = plaid_records.account

    def account(raw: dict[str, Any]):
        if raw["subtype"] == subtype:
            raise ZeroDivisionError
        return real(raw)

    monkeypatch.setattr(plaid_records, "account", account)


def test_transactions_that_are_not_ready_count_as_refreshed(context, job, bank):
    make_institution(make_user())
    bank.always("/transactions/sync", plaid.NOT_READY)
    assert (job().code, count(FinancialInstitution)) == (0, 1)


def test_a_removal_that_fails_is_counted_by_nobody_and_exits_zero(context, job, bank):
    make_removal("1")
    bank.always("/item/remove", DOWN)
    ran = job()
    assert (ran.code, ran.report) == (0, report())
    assert len(bank.asked("/item/remove")) == 1, "a run tries each removal once"


def test_a_parked_removal_needs_a_person(context, job, bank):
    make_removal("1", due_at=None, error_code="INTERNAL_SERVER_ERROR")
    for arguments in ((), ("--only", "cleanup"), ("--dry-run",)):
        assert job(*arguments).code == 1
    assert bank.requests == []


def test_a_removal_that_gets_parked_in_this_run_needs_a_person(context, job, bank):
    make_removal("1")
    make_removal("2")
    bank.next("/item/remove", plaid.failure("ITEM_NOT_SUPPORTED"))
    ran = job()
    assert (ran.code, ran.report) == (1, report(removals=1))


def test_refused_keys_need_a_person_and_when_mended_the_next_hour_is_fine(context, job, bank):
    make_institution(make_user())
    bank.next("/accounts/get", plaid.failure("INVALID_API_KEYS", "INVALID_INPUT"))
    ran = job()
    assert (ran.code, ran.report) == (1, report(failed=1))
    ran = job("--at", (datetime.now(UTC) + HOUR).isoformat())
    assert (ran.code, ran.report) == (0, report(refreshed=1))


def test_keys_refused_for_a_removal_need_a_person_too(context, job, bank):
    make_removal("1")
    bank.next("/item/remove", plaid.failure("INVALID_API_KEYS", "INVALID_INPUT"))
    ran = job()
    assert (ran.code, ran.report) == (1, report())
    ran = job("--at", (datetime.now(UTC) + HOUR).isoformat())
    assert (ran.code, ran.report) == (0, report(removals=1))


def test_nothing_secret_or_personal_is_said(work, job, bank, caplog):
    bank.always("/accounts/get", plaid.failure("ITEM_LOGIN_REQUIRED"))
    bank.always("/item/remove", DOWN)
    ran = job()
    said = ran.output + ran.errors + caplog.text
    for secret in ("access-due", "access-sandbox", "+1415", "secret"):
        assert secret not in said
