"""One person whose banks are the oracle's: uses the app as its page does, and compares after everything."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from flask import Flask
from sqlalchemy import select, update

from extensions import db
from models import Account, FinancialInstitution, Transaction, User
from services.refreshing import refresh
from services.removals import removals_due, remove_item
from services.waiting import scheduled_now
from tests.oracle.bank import Bank
from tests.oracle.ledger import REVOKED, Ledger, Live, Totals, totals
from tests.oracle.records import Event
from tests.oracle.vendor import CALM, LAST_FETCH, Plan, Telling, Vendor
from tests.support.factories import make_user
from tests.support.serving import signed_in
from tests.views.browsing import Browser

DAY = timedelta(days=2)
"""Of the job's clock: whatever day and zone it is, an institution is due again."""


class Page(Browser):
    """The person's browser, which reads the page's token once."""

    kept: str | None = None

    def token(self) -> str:
        self.kept = self.kept or super().token()
        return self.kept


@dataclass
class Linked:
    """An institution: what the bank knows, what must be shown, and when the app last heard of it."""

    id: int
    bank: Bank
    ledger: Ledger
    ages: tuple[datetime | None, datetime | None] = (None, None)
    """refreshed_at, balances_as_of."""


class Household:
    """A person and their linked banks."""

    def __init__(self, app: Flask, vendor: Vendor) -> None:
        self.app, self.vendor = app, vendor
        with app.app_context():
            for table in reversed(db.metadata.sorted_tables):
                db.session.execute(table.delete())
            db.session.commit()
            self.user_id = make_user().id
            cookie = signed_in(app, db.session.get_one(User, self.user_id))
        client = app.test_client()
        client.set_cookie(*cookie.split("=", 1))
        self.page = Page(client)
        self.linked: list[Linked] = []
        self.items = 0
        self.now = datetime.now(UTC)
        self.refreshes = {"good": 0, "failed": 0}

    # What the person does

    def link(self, events: list[Event], not_ready: int, plan: Plan, *, broken: bool) -> None:
        """Link one more bank, which opens with these events; the first reading goes on in the request."""
        self.items += 1
        bank = self._new_bank(events, not_ready)
        self.vendor.begin(plan)
        self.vendor.exchange_breaks = broken
        started = datetime.now(UTC)
        answer = self.page.call("POST", "/financial-institutions", {"public_token": f"public-{bank.item_id}"})
        self.vendor.exchange_breaks = False
        if broken:
            assert answer.status_code == 503, answer.text
            return
        assert answer.status_code == 202, answer.text
        one = Linked(answer.json["id"], bank, Ledger())
        self.linked.append(one)
        self._heard(one, started, watched=True)

    def _new_bank(self, events: list[Event], not_ready: int) -> Bank:
        bank = Bank(f"{self.items}", not_ready=not_ready)
        bank.open(Event("open", 0, Decimal("100"), Decimal("110"), 0))
        for event in events:
            bank.happen(event)
        self.vendor.banks[bank.item_id] = bank
        return bank

    def ask(self, one: Linked, plan: Plan) -> None:
        """Refresh, after more than a minute."""
        with self.app.app_context():
            self._set(one, realtime_at=None)
        self.vendor.begin(plan)
        joins = self._waits(one) and one.ages[0] is None
        started = datetime.now(UTC)
        answer = self.page.call("PATCH", f"/financial-institutions/{one.id}", {})
        if one.ledger.state == REVOKED:
            assert answer.status_code == 409
            return
        assert answer.status_code == 202, answer.text
        if not joins:  # a first reading that waits for its turn is joined, not doubled
            self._heard(one, started, watched=True)

    def delete_account(self, one: Linked, pick: int) -> None:
        keys = list(one.ledger.accounts)
        if not keys:
            return
        key = keys[pick % len(keys)]
        with self.app.app_context():
            query = select(Account.id).where(
                Account.financial_institution_id == one.id, Account.plaid_account_id == key
            )
            number = db.session.scalar(query)
        answer = self.page.call("DELETE", f"/accounts/{number}")
        assert answer.status_code == 200, answer.text
        one.ledger.delete_account(key)

    def restore(self, one: Linked, plan: Plan) -> None:
        self.vendor.begin(plan)
        started = datetime.now(UTC)
        answer = self.page.call("POST", f"/financial-institutions/{one.id}/restore-accounts", {})
        if one.ledger.state == REVOKED:
            assert answer.status_code == 409
            return
        assert answer.status_code == 202, answer.text
        if one.ledger.deleted:
            one.ledger.deleted.clear()
            self._heard(one, started, watched=True)

    def forget(self, one: Linked, *, broken: bool) -> None:
        """Delete the institution, whether or not the vendor answers."""
        self.vendor.removal_breaks = broken
        answer = self.page.call("DELETE", f"/financial-institutions/{one.id}")
        self.vendor.removal_breaks = False
        assert answer.status_code == 200, answer.text
        self.linked.remove(one)
        assert self.page.get(f"/financial-institutions/{one.id}").status_code == 404

    # What happens by itself

    def day(self) -> None:
        """The next day at the banks."""
        for bank in self.vendor.banks.values():
            bank.today += timedelta(days=1)

    def job(self, pick: int, plan: Plan) -> None:
        """The next daily job: everything is due. The plan is for one of them, the others have a calm day."""
        self.now += DAY
        with self.app.app_context():
            due = scheduled_now(self.now)
        assert due == [one.id for one in self.linked if one.ledger.state != REVOKED]
        for place, one in enumerate(one for one in self.linked if one.id in due):
            self._refresh(one, plan if place == pick % len(due) else CALM, due_by=self.now)

    def sweep(self, plan: Plan) -> None:
        """The next try of what waits for its transactions."""
        for one in self.linked:
            if self._waits(one):
                self._refresh(one, plan, due_by=None)

    def _refresh(self, one: Linked, plan: Plan, due_by: datetime | None) -> None:
        watched = self._waits(one)
        self.vendor.begin(plan)
        started = datetime.now(UTC)
        with self.app.app_context():
            refresh(one.id, self.app.extensions["banks"], 60, due_by=due_by)
        self._heard(one, started, watched=watched)

    def remove_items(self) -> None:
        """The job of a day later: what could not be ended at the vendor is ended now."""
        with self.app.app_context():
            later = self.now + DAY
            for number in removals_due(later):
                remove_item(number, self.app.extensions["banks"], due_by=later)
            assert removals_due(later + 20 * DAY) == []

    # What must be true

    def _heard(self, one: Linked, started: datetime, *, watched: bool) -> None:
        telling = self.vendor.telling
        assert telling.asked, "nothing was asked"
        self._check_asked(one, telling)
        one.ledger.hear(telling, watched=watched)
        self.refreshes["failed" if telling.fatal else "good"] += 1
        self._check_ages(one, telling, started, watched=watched)

    def _check_asked(self, one: Linked, telling: Telling) -> None:
        """A success has read the balances (but while transactions are being prepared) and all pages of an update."""
        assert telling.fatal != "foreign cursor"
        if telling.fatal is None:
            assert telling.rows is not None or not telling.ready
            assert telling.accounts is not None or one.ages[0] is not None

    def _check_ages(self, one: Linked, telling: Telling, started: datetime, *, watched: bool) -> None:
        """A success is of now. Balances are as old as they were told to be; what was not told keeps its age."""
        refreshed, as_of = self._ages(one)
        if telling.fatal is None:
            assert refreshed is not None
            assert started <= refreshed
        else:
            assert refreshed == one.ages[0], f"a failed refresh ({telling.fatal}) is none"
        shown = telling.accounts is not None and (watched or telling.fatal is None)
        if not shown or (telling.cached and not telling.age_told):
            assert as_of == one.ages[1]
        elif telling.cached:
            assert as_of == datetime.fromisoformat(LAST_FETCH)
        else:
            assert as_of is not None
            assert started <= as_of
        one.ages = (refreshed, as_of)

    def check(self) -> None:
        """Everything the person sees, and the transactions beneath it, for every bank of theirs."""
        shown = self.page.get("/dashboard.json").json
        assert [entry["id"] for entry in shown["institutions"]] == [one.id for one in self.linked]
        every = [account for one in self.linked for account in one.ledger.accounts.values()]
        assert _totals(shown["totals"]) == totals(every)
        for one, entry in zip(self.linked, shown["institutions"], strict=True):
            self._check_one(one, entry)

    def _check_one(self, one: Linked, entry: dict[str, Any]) -> None:
        assert self._live(one) == one.ledger.live(), self._story(one)
        assert _totals(entry["totals"]) == totals(one.ledger.accounts.values())
        assert {account["name"]: _figures(account) for account in entry["accounts"]} == {
            f"Account {each.id}": (
                each.type,
                each.currency,
                each.available,
                each.current,
                each.limit,
                each.contribution(),
                each.type != "loan",
            )
            for each in one.ledger.accounts.values()
        }
        if one.ledger.state is not None and not entry["working"]:
            assert entry["state"] == one.ledger.state
        assert self._ages(one) == one.ages

    def _story(self, one: Linked) -> str:
        """What led here, for whoever must find out why."""
        log = "\n".join(map(str, one.bank.log))
        accounts = "\n".join(map(str, one.bank.accounts.values()))
        return f"{self.vendor.plan}\n{self.vendor.telling}\n{accounts}\n{log}\n{one.ledger}"

    def _live(self, one: Linked) -> Live:
        table = Transaction
        columns = (
            table.plaid_transaction_id,
            table.amount,
            table.date,
            table.pending,
            Account.plaid_account_id,
        )
        query = (
            select(*columns)
            .join(Account, Account.id == table.account_id)
            .where(table.financial_institution_id == one.id)
        )
        with self.app.app_context():
            return {row[0]: tuple(row[1:]) for row in db.session.execute(query)}  # type: ignore[misc]

    def _ages(self, one: Linked) -> tuple[datetime | None, datetime | None]:
        table = FinancialInstitution
        with self.app.app_context():
            query = select(table.refreshed_at, table.balances_as_of).where(table.id == one.id)
            refreshed, as_of = db.session.execute(query).one()
            return refreshed, as_of

    def _waits(self, one: Linked) -> bool:
        """Is it in the queue: for its first reading or its transactions?"""
        with self.app.app_context():
            query = select(FinancialInstitution.due_at).where(FinancialInstitution.id == one.id)
            return db.session.scalar(query) is not None

    def _set(self, one: Linked, **values: Any) -> None:
        table = FinancialInstitution
        db.session.execute(update(table).where(table.id == one.id).values(**values))
        db.session.commit()


def _totals(lines: list[dict[str, Any]]) -> Totals:
    found = {line["currency"]: (Decimal(line["holdings"]), Decimal(line["net_worth"])) for line in lines}
    assert len(found) == len(lines), "a currency has one line"
    return found


def _figures(account: dict[str, Any]) -> tuple[Any, ...]:
    names = ("available", "current", "limit", "contribution")
    amounts = [None if account[name] is None else Decimal(account[name]) for name in names]
    return (account["type"], account["currency"], *amounts, account["in_holdings"])
