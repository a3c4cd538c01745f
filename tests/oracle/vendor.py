"""Plaid over HTTP for the oracle's banks, and what it told in one refresh, however that went.

A `Plan` says what goes wrong or changes during one refresh; a `Telling` keeps what was said, for the ledger.
Words and rules are Plaid's documentation's; nothing here comes from CashView.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from tests.faults.vendor import Break, FaultyPlaid
from tests.oracle import words
from tests.oracle.bank import Bank
from tests.oracle.records import WITHOUT_TRANSACTIONS, Account, Event, Row
from tests.support.scripted_plaid import failure

LAST_FETCH = "2026-01-01T05:00:00Z"
"""status.transactions.last_successful_update, the age of cached balances."""

LOGIN = failure("ITEM_LOGIN_REQUIRED")
GONE = failure("ITEM_NOT_FOUND", "ITEM_ERROR")
MUTATION = failure("TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION", "TRANSACTIONS_ERROR")
FAULTS: dict[str, tuple[int, Any]] = {
    "login": LOGIN,
    "down": failure("INSTITUTION_DOWN", "INSTITUTION_ERROR"),
    "slow bank": failure("INSTITUTION_NOT_RESPONDING", "INSTITUTION_ERROR"),
    "limit": failure("RATE_LIMIT_EXCEEDED", "RATE_LIMIT_EXCEEDED", 429),
    "500": failure("INTERNAL_SERVER_ERROR", "API_ERROR", 500),
    "502": (502, b"<html><h1>Bad gateway</h1></html>"),
    "html": (200, b"<html>Welcome</html>"),
    "truncated": (200, b'{"accounts": [{"account_id": "a1", "bal'),
    "reset": (200, Break.RESET),
    "silent": (200, Break.SILENT),
    "dropped": (200, Break.DROPPED),
    "hang": (200, Break.HANG),
}


@dataclass(frozen=True)
class Plan:
    """One refresh: which of the bank's calls (from 1) meets which fault, what happens at the bank just before
    which call, and in what manner /transactions/sync tells."""

    fault: tuple[int, str] | None = None
    meanwhile: tuple[tuple[int, Event], ...] = ()
    page_size: int = 100
    every_step: bool = False
    backwards: bool = False
    """The whole update in the other order: posted rows come pages before their pending ones are removed."""
    repeats: bool = False
    """The last row of a page comes once more on the next."""
    names: str = "page"
    """Accounts in an answer of sync: of the 'page', 'all' that are reported, or 'none'."""
    item_get_fails: bool = False


CALM = Plan()


@dataclass
class Telling:
    """What the app was told in one refresh: `accounts` by the first list it got, before the transactions,
    `later` by lists after it, `named` by the pages of the update that was read to its end, `rows` what was
    true at that end."""

    asked: int = 0
    accounts: dict[str, Account] | None = None
    later: dict[str, Account] = field(default_factory=dict)
    named: dict[str, Account] = field(default_factory=dict)
    rows: dict[str, Row] | None = None
    ready: bool = False
    fatal: str | None = None
    """The fault that must have ended it."""
    cached: bool = False
    """The bank refused real-time balances; the list that was told is Plaid's cache."""
    age_told: bool = False


class Vendor:
    """Every Item there is, behind one HTTP server."""

    def __init__(self, server: FaultyPlaid, hurry: Callable[[bool], None]) -> None:
        """`hurry` is told before each of the bank's calls whether it will hang, so that nobody waits for long."""
        self.hurry = hurry
        self.banks: dict[str, Bank] = {}
        self.exchange_breaks = False
        self.removal_breaks = False
        self.removed: set[str] = set()
        self.begin(CALM)
        answers: dict[str, Callable[[dict[str, Any]], Any]] = {
            "/item/public_token/exchange": self._exchange,
            "/item/get": self._item_get,
            "/item/remove": self._remove,
            "/accounts/get": lambda body: self._bank_call(body, self._accounts),
            "/accounts/balance/get": lambda body: self._bank_call(body, self._realtime, realtime=True),
            "/transactions/sync": lambda body: self._bank_call(body, self._sync),
        }
        server.forget()
        for path, answer in answers.items():
            server.always(path, answer)

    def begin(self, plan: Plan) -> None:
        """From now on this plan; nothing is told yet."""
        self.plan, self.telling = plan, Telling()
        self._foretell()

    def _foretell(self) -> None:
        self.hurry(self.plan.fault == (self.telling.asked + 1, "hang"))

    def _exchange(self, body: dict[str, Any]) -> Any:
        """A public token names the Item that comes of it, in these tests."""
        if self.exchange_breaks:
            return FAULTS["500"]
        item_id = body["public_token"].removeprefix("public-")
        self.banks.setdefault(item_id, Bank(item_id))
        return {"access_token": f"access-{item_id}", "item_id": item_id}

    def _item_get(self, body: dict[str, Any]) -> Any:
        bank = self._bank(body)
        if self.plan.item_get_fails or bank.ended:
            return FAULTS["500"]
        self.telling.age_told = True
        return {
            "item": words.item(bank.item_id),
            "status": {"transactions": {"last_successful_update": LAST_FETCH, "last_failed_update": None}},
        }

    def _remove(self, body: dict[str, Any]) -> Any:
        bank = self._bank(body)
        if self.removal_breaks:
            return FAULTS["down"]
        if bank.item_id in self.removed:
            return GONE
        self.removed.add(bank.item_id)
        return {}

    def _bank(self, body: dict[str, Any]) -> Bank:
        return self.banks[body["access_token"].removeprefix("access-")]

    def _bank_call(
        self, body: dict[str, Any], answer: Callable[[Bank, dict[str, Any]], Any], *, realtime: bool = False
    ) -> Any:
        """One call that needs the bank: what happens just before it, then its fault or its answer."""
        telling, bank = self.telling, self._bank(body)
        telling.asked += 1
        for call, event in self.plan.meanwhile:
            if call == telling.asked:
                bank.happen(event)
        fault = self._fault_of(bank)
        self._foretell()
        if fault is None:
            return answer(bank, body)
        if realtime and fault not in ("login", "gone"):
            telling.cached = True  # Plaid's cache is still there
        else:
            telling.fatal = fault
        return GONE if fault == "gone" else FAULTS[fault]

    def _fault_of(self, bank: Bank) -> str | None:
        if bank.ended or bank.item_id in self.removed:
            return "gone"
        if bank.wants_login:
            return "login"
        if self.plan.fault and self.plan.fault[0] == self.telling.asked:
            return self.plan.fault[1]
        return None

    def _realtime(self, bank: Bank, _body: dict[str, Any]) -> Any:
        for account in bank.reported():
            account.cached = account.real
        return self._accounts(bank, _body)

    def _accounts(self, bank: Bank, _body: dict[str, Any]) -> Any:
        listed = {account.id: copy(account) for account in bank.reported()}
        if self.telling.accounts is None and self.telling.rows is None:
            self.telling.accounts = listed
        else:
            self.telling.later |= listed
        return words.exactly(
            {"accounts": [words.account(each) for each in listed.values()], "item": words.item(bank.item_id)}
        )

    def _sync(self, bank: Bank, body: dict[str, Any]) -> Any:
        if bank.not_ready:
            bank.not_ready -= 1
            return words.exactly(words.page([], [], "", False, "NOT_READY"))
        return self._page(bank, body.get("cursor") or None)

    def _page(self, bank: Bank, cursor: str | None) -> Any:
        """A cursor is 'item:base' after an update's end, 'item:base:head:page' within one."""
        item_id, *places = cursor.split(":") if cursor else (bank.item_id, "0")
        if item_id != bank.item_id:
            self.telling.fatal = "foreign cursor"
            return failure("INVALID_FIELD", "INVALID_REQUEST")
        numbers = [int(place) for place in places]
        base, head, number = numbers if len(numbers) == 3 else (*numbers, len(bank.log), 0)
        if head != len(bank.log):
            return MUTATION
        if number == 0:
            self.telling.named, self.telling.rows = {}, None
        pages = self._pages(bank, base)
        page, more = pages[number], number + 1 < len(pages)
        named = self._named(bank, page)
        self.telling.named |= {account.id: copy(account) for account in named}
        if not more:
            self.telling.rows, self.telling.ready = dict(bank.rows), True
        following = f"{item_id}:{base}:{head}:{number + 1}" if more else f"{item_id}:{head}"
        return words.exactly(words.page(named, page, following, more, bank.status()))

    def _pages(self, bank: Bank, base: int) -> list[list[Any]]:
        plan = self.plan
        changes = bank.changes(base, every_step=plan.every_step)
        if plan.backwards and not plan.every_step:
            changes.reverse()
        pages: list[list[Any]] = [[]]
        for change in changes:
            if len(pages[-1]) >= plan.page_size or any(change[1] == other[1] for other in pages[-1]):
                pages.append([])
            pages[-1].append(change)
        if plan.repeats:
            _repeat(pages)
        return pages

    def _named(self, bank: Bank, page: list[Any]) -> list[Account]:
        if self.plan.names == "none":
            return []
        if self.plan.names == "all":
            return [each for each in bank.reported() if each.type not in WITHOUT_TRANSACTIONS]
        ids = {row.account for _, _, row in page if row}
        return [account for account in bank.accounts.values() if account.id in ids]


def _repeat(pages: list[list[Any]]) -> None:
    """Byte-identical copies, told as modified, wherever the next page says nothing else of the row."""
    for page, following in pairwise(pages):
        _, key, row = page[-1]
        if row is not None and all(key != other for _, other, _ in following):
            following.insert(0, ("modified", key, row))
