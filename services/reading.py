"""Reading one institution from its vendor, with no database in sight.

All pages are fetched before anything is written: what comes back is one consistent `Changes`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime

from providers.base import (
    BankAccount,
    BankGateway,
    BankTransaction,
    Institution,
    Kind,
    ProviderError,
    ReportedAccounts,
    SyncPage,
)

NOT_READY = "NOT_READY"
UNSUPPORTED = "UNSUPPORTED"
"""Our own status for an Item without transactions (a pure loan servicer): nothing to wait for."""
UNTOLD = "TRANSACTIONS_UPDATE_STATUS_UNKNOWN"
"""The vendor did not say how far the history is."""

MAX_RESTARTS = 5
MAX_PAGES = 400
"""200,000 rows: far beyond any real history; a cursor that never ends must not hold a worker for ever."""


@dataclass
class Changes:
    """Everything that changed since a cursor: rows to write, vendor ids to delete, and where we are now.

    `cursor` None means nothing can be acknowledged yet (NOT_READY answers with an empty cursor).
    """

    upserts: dict[str, BankTransaction] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    accounts: dict[str, BankAccount] = field(default_factory=dict)
    cursor: str | None = None
    status: str = NOT_READY

    def add(self, page: SyncPage) -> None:
        """Take one page: its removals first, then its rows, so that a row removed and sent again stays."""
        for transaction_id in page.removed:
            self.upserts.pop(transaction_id, None)
            self.removed.add(transaction_id)
        self.upserts.update((row.transaction_id, row) for row in page.upserts)
        self.accounts.update((row.account_id, row) for row in page.accounts)
        self.cursor = page.next_cursor or None
        self.status = page.status

    def settle(self) -> None:
        """A posted row replaces its pending one, whether or not (or on whichever page) the bank removed it."""
        replaced = {row.pending_transaction_id for row in self.upserts.values() if row.pending_transaction_id}
        self.upserts = {key: row for key, row in self.upserts.items() if key not in replaced}
        self.removed = (self.removed | replaced) - self.upserts.keys()


def changes_since(
    bank: BankGateway, access_token: str, cursor: str | None, page_read: Callable[[], None]
) -> Changes:
    """All pages since the cursor. A mutation during paging begins again from the same cursor (Plaid's rule).

    `page_read` is called after each page. ProviderError as the vendor raised it; an Item without
    transactions is no error.
    """
    for _ in range(MAX_RESTARTS):
        try:
            return _drain(bank, access_token, cursor, page_read)
        except ProviderError as error:
            if error.kind is Kind.UNSUPPORTED:
                return Changes(cursor=cursor, status=UNSUPPORTED)
            if error.kind is Kind.NOT_READY:
                return Changes(cursor=cursor)
            if error.kind is not Kind.MUTATION:
                raise
    raise ProviderError("TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION", Kind.RETRY)


def _drain(
    bank: BankGateway, access_token: str, cursor: str | None, page_read: Callable[[], None]
) -> Changes:
    changes = Changes()
    position = cursor
    for _ in range(MAX_PAGES):
        page = bank.sync(access_token, position)
        changes.add(page)
        page_read()
        if not page.has_more:
            changes.settle()
            return changes
        position = page.next_cursor
    raise ProviderError("ENDLESS_PAGES", Kind.RETRY)


def describe_accounts(
    bank: BankGateway, access_token: str, changes: Changes, accounts: Collection[BankAccount]
) -> None:
    """Ask for the accounts once more if there are rows of one that neither the list nor a page described: it
    opened between the two calls. What is found joins `changes.accounts`; the list that was read stays as it is."""
    described = {row.account_id for row in accounts} | changes.accounts.keys()
    if missing := {row.account_id for row in changes.upserts.values()} - described:
        found = (row for row in bank.accounts(access_token).rows if row.account_id in missing)
        changes.accounts.update((row.account_id, row) for row in found)


@dataclass(frozen=True)
class Balances:
    """Accounts as reported, how old their balances are (UTC), and when the consent ends, where that is known."""

    accounts: list[BankAccount]
    as_of: datetime | None
    consent_ends_at: datetime | None = None


def balances(bank: BankGateway, access_token: str, *, realtime: bool, now: datetime) -> Balances:
    """The accounts, with balances from the bank itself if `realtime`. A bank that refuses real-time numbers
    gets the cached ones, which carry their own age; a login or an ended Item is a failure either way."""
    if not realtime:
        return _balances(bank.accounts(access_token), now)
    try:
        return _balances(bank.realtime_accounts(access_token), now)
    except ProviderError as error:
        if error.kind in (Kind.LOGIN, Kind.GONE) or error.code == "INVALID_API_KEYS":
            raise
    return _balances(bank.accounts(access_token), _age_of_cached(bank, access_token))


def _balances(reported: ReportedAccounts, as_of: datetime | None) -> Balances:
    return Balances(reported.rows, as_of, reported.consent_ends_at)


def _age_of_cached(bank: BankGateway, access_token: str) -> datetime | None:
    try:
        return bank.item(access_token).balances_as_of
    except ProviderError:
        return None  # the numbers are good; only their age stays what it was


def institution(bank: BankGateway, access_token: str) -> Institution | None:
    """Who the bank is. None when the vendor does not say just now: its name then stays what Link said, and a
    failing look-up of a name never stops a reading (what is really wrong shows when the accounts are read)."""
    try:
        institution_id = bank.item(access_token).institution_id
        return bank.institution(institution_id) if institution_id else None
    except ProviderError:
        return None
