"""What CashView must show of a bank, from DESIGN's rules and what Plaid told, reckoned here anew with Decimal.

Imports nothing of CashView.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

from tests.oracle.records import Account, Row
from tests.oracle.vendor import Telling

Amount = Decimal | None
Live = dict[str, tuple[Decimal, date, bool, str]]
"""Transaction id -> amount, date, pending, account id."""
Totals = dict[str, tuple[Decimal, Decimal]]
"""Currency -> holdings (without loans), net worth (with loans)."""

NEEDS_LOGIN, REVOKED, ERROR, HEALTHY = "needs_login", "revoked", "error", "healthy"


def four_places(value: Amount) -> Amount:
    """As amounts are kept: 1/10000, half to even; what no account can hold is unknown."""
    if value is None or abs(value) >= Decimal(10) ** 13:
        return None
    return value.quantize(Decimal("0.0001"), rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True)
class Shown:
    """An account on the page."""

    id: str
    type: str
    currency: str | None
    available: Amount
    current: Amount
    limit: Amount
    closed: bool = False

    @classmethod
    def of(cls, account: Account) -> Shown:
        said = account.cached
        return cls(
            account.id,
            account.type,
            account.iso or account.coin,
            four_places(said.available),
            four_places(said.current),
            four_places(said.limit),
        )

    def contribution(self) -> Amount:
        """Signed; None for unknown or closed."""
        if self.closed:
            return None
        if self.type in ("credit", "loan"):
            return None if self.current is None else -self.current
        if self.type == "depository" and self.available is not None:
            return self.available
        return self.current


@dataclass
class Ledger:
    """One linked institution as it must be shown. `read_at` and `as_of` are kept by whoever looks."""

    accounts: dict[str, Shown] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    rows: dict[str, Row] = field(default_factory=dict)
    state: str | None = None
    """None: nothing is claimed of it (first reading, or transactions are still being prepared)."""

    def hear(self, telling: Telling, *, watched: bool) -> None:
        """After a refresh. A failed one leaves everything; but who watches sees balances as soon as they are read."""
        if telling.accounts is not None and (watched or telling.fatal is None):
            self._listed(telling.accounts)
        if telling.fatal is None:
            self._succeeded(telling)
        elif telling.fatal == "login":
            self.state = NEEDS_LOGIN
        elif telling.fatal == "gone":
            self.state = REVOKED
        elif telling.fatal != "limit":
            self.state = ERROR

    def _listed(self, listed: dict[str, Account]) -> None:
        """The list rules: what is on it is open, what is not is closed and keeps its last balances."""
        fresh = {key: Shown.of(account) for key, account in listed.items() if key not in self.deleted}
        gone = {key: _closed(shown) for key, shown in self.accounts.items() if key not in listed}
        self.accounts = {**gone, **fresh}

    def _succeeded(self, telling: Telling) -> None:
        self.state = HEALTHY if telling.ready else None
        if telling.rows is None:
            return
        wanted = {row.account for row in telling.rows.values()}
        later = {key: account for key, account in telling.later.items() if key in wanted}
        for key, account in (later | telling.named).items():
            if key not in self.accounts and key not in self.deleted:
                self.accounts[key] = Shown.of(account)
        self.rows = {key: row for key, row in telling.rows.items() if row.account in self.accounts}

    def delete_account(self, key: str) -> None:
        del self.accounts[key]
        self.deleted.add(key)
        self.rows = {row.id: row for row in self.rows.values() if row.account != key}

    def live(self) -> Live:
        return {
            row.id: (four_places(row.amount) or Decimal(0), row.date, row.pending, row.account)
            for row in self.rows.values()
        }


def _closed(shown: Shown) -> Shown:
    return Shown(
        shown.id, shown.type, shown.currency, shown.available, shown.current, shown.limit, closed=True
    )


def totals(accounts: Iterable[Shown]) -> Totals:
    """One line per currency that has something known; currencies are never added."""
    lines: Totals = {}
    for account in accounts:
        amount = account.contribution()
        if amount is None or account.currency is None:
            continue
        holdings, net = lines.get(account.currency, (Decimal(0), Decimal(0)))
        lines[account.currency] = (holdings + (0 if account.type == "loan" else amount), net + amount)
    return lines
