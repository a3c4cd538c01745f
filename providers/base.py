"""What services see of the outside world: records, one protocol and one error each for banks and for texts.

Amounts are Decimal and keep Plaid's sign."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol


class Kind(StrEnum):
    """What a failure asks of us; every documented code and every transport failure has exactly one."""

    LOGIN = "login"
    """The person must sign in at the bank again."""
    EXPIRING = "expiring"
    """Works now, will end soon."""
    GONE = "gone"
    """The Item is no more."""
    LIMIT = "limit"
    """Too many calls: nothing is wrong with the Item, try later."""
    RETRY = "retry"
    """The bank, the vendor or the network failed for now; the call may or may not have been carried out."""
    NOT_READY = "not_ready"
    """The data is still being prepared."""
    MUTATION = "mutation"
    """Data changed while it was being paged: begin again from the stored cursor."""
    UNSUPPORTED = "unsupported"
    """The Item has no such data; the rest works."""
    PERMANENT = "permanent"
    """Trying again cannot help."""
    INPUT = "input"
    """What the person or the page gave is not valid (a used public token)."""
    CONFIG = "config"
    """Our keys or our request are wrong: the operator must act."""


class ProviderError(Exception):
    """A vendor call that failed: the vendor's code, what it asks of us, its request id for support.

    Its text carries no token, no amount and nothing personal, so it may be logged.
    """

    def __init__(
        self, code: str, kind: Kind, *, request_id: str | None = None, display: str | None = None
    ) -> None:
        super().__init__(f"{code} ({kind}, request {request_id or '-'})")
        self.code = code
        self.kind = kind
        self.request_id = request_id
        self.display = display
        """The vendor's own sentence for the person, where it gives one."""


@dataclass(frozen=True, slots=True)
class LinkToken:
    """A short-lived token that opens Link; `expiration` is the vendor's ISO 8601 text."""

    link_token: str
    expiration: str


@dataclass(frozen=True, slots=True, repr=False)
class Exchanged:
    """What a public token was exchanged for. Secret: never shown, never logged."""

    access_token: str
    item_id: str


@dataclass(frozen=True, slots=True)
class ItemInfo:
    """An Item as the vendor sees it: its institution, its error if any, when its transactions were last read."""

    institution_id: str | None
    institution_name: str | None
    error_code: str | None
    balances_as_of: datetime | None
    consent_ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Institution:
    """A bank's public face. `primary_color` is '#rrggbb', `logo` PNG bytes."""

    institution_id: str
    name: str
    primary_color: str | None
    logo: bytes | None


@dataclass(frozen=True, slots=True)
class BankAccount:
    """An account as reported. Credit and loan `current` is what is owed. Unknown amounts are None."""

    account_id: str
    persistent_account_id: str | None
    name: str
    official_name: str | None
    mask: str | None
    type: str
    subtype: str | None
    available: Decimal | None
    current: Decimal | None
    limit: Decimal | None
    currency: str | None


@dataclass(frozen=True, slots=True)
class ReportedAccounts:
    """An Item's accounts, and when the person's consent at the bank ends (UTC; None: no end is known)."""

    rows: list[BankAccount]
    consent_ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class BankTransaction:
    """A transaction as reported. Positive amounts are money out of the account."""

    transaction_id: str
    account_id: str
    pending_transaction_id: str | None
    amount: Decimal
    currency: str | None
    date: date
    authorized_date: date | None
    name: str
    merchant_name: str | None
    pending: bool
    category: str | None
    category_detail: str | None


@dataclass(frozen=True, slots=True)
class SyncPage:
    """One page of changes since a cursor. `status` is the vendor's transactions_update_status."""

    upserts: list[BankTransaction]
    removed: list[str]
    accounts: list[BankAccount]
    next_cursor: str
    has_more: bool
    status: str


@dataclass(frozen=True, slots=True)
class WebhookKey:
    """A public key that the vendor signs webhooks with, as JWK; one that has expired must not be believed."""

    jwk: dict[str, str]
    expired: bool


@dataclass(frozen=True, slots=True)
class Webhook:
    """News of the vendor whose signature was checked. `detail` is what its code needs to be worked on."""

    signature_hash: str
    """The same webhook again has the same."""
    webhook_type: str
    webhook_code: str
    environment: str
    item_id: str | None
    detail: dict[str, str]


class MalformedWebhookError(Exception):
    """The body is not a JSON object."""


class ForgedWebhookError(Exception):
    """Nothing shows that the vendor sent this now: no signature, a wrong, old or unknown one, or another body."""


ReadWebhook = Callable[[bytes, str], Webhook]
"""(raw body, signature) -> what it says. MalformedWebhookError, ForgedWebhookError, or ProviderError when the
vendor cannot be asked for the key."""


class BankGateway(Protocol):
    """A bank vendor in one environment. Every method may raise ProviderError and nothing else; each has a
    time-out of its own: at most 10 s for what a request waits for, longer only for background reading."""

    webhook_url: str | None
    """Where the vendor is told to send news of what is linked from now on."""

    def create_link_token(self, user_id: int) -> LinkToken: ...
    def create_update_token(
        self, user_id: int, access_token: str, *, choose_accounts: bool, ask_consent: bool
    ) -> LinkToken: ...
    def create_sandbox_public_token(
        self, institution_id: str, products: list[str], username: str, password: str, start: date, end: date
    ) -> str: ...
    def exchange(self, public_token: str) -> Exchanged: ...
    def item(self, access_token: str) -> ItemInfo: ...
    def institution(self, institution_id: str) -> Institution: ...
    def accounts(self, access_token: str) -> ReportedAccounts: ...
    def realtime_accounts(self, access_token: str) -> ReportedAccounts: ...
    def sync(self, access_token: str, cursor: str | None) -> SyncPage: ...
    def remove(self, access_token: str) -> None: ...
    def move_webhook(self, access_token: str, url: str) -> None: ...
    def webhook_key(self, key_id: str) -> WebhookKey: ...


Banks = Mapping[str, BankGateway]
"""Environment ('sandbox', 'production') -> gateway."""


Asking = Callable[[str], AbstractContextManager[None]]
"""Environment -> what is to be around one call of its vendor: it learns how that ended."""


class TextKind(StrEnum):
    """What a text that was not accepted asks of us; every documented code and every failure has exactly one."""

    NOT_SENT = "not_sent"
    """It never reached the vendor, or was turned away before it was looked at: safe to try again."""
    LIMIT = "limit"
    """Too many for now: it was not processed, safe to try again later (see `retry_after`)."""
    UNKNOWN = "unknown"
    """It may have been sent: never send it again, look it up."""
    NUMBER = "number"
    """This number gets no texts, however often we try."""
    OPTED_OUT = "opted_out"
    """The number's owner has replied STOP."""
    UNVERIFIED = "unverified"
    """The operator must verify this number or upgrade the account; nothing more today."""
    CONFIG = "config"
    """Our account, sender or connection is wrong: every other text would fail alike, so stop the run."""
    CONTENT = "content"
    """The text itself was refused: our bug, so the row waits for a person."""


class TextError(Exception):
    """A text that was not accepted, or a look-up that failed: the vendor's code and what it asks of us.

    `retry_after` is the vendor's wish in seconds, where it gave one. Its text carries no number, no body and
    no key, so it may be logged.
    """

    def __init__(self, code: str, kind: TextKind, *, retry_after: float | None = None) -> None:
        super().__init__(f"{code} ({kind})")
        self.code = code
        self.kind = kind
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True, repr=False)
class OutgoingText:
    """A text to send. `to` is E.164; after `validity_seconds` the vendor gives up. Personal: never logged."""

    to: str
    body: str
    status_callback: str | None
    validity_seconds: int


@dataclass(frozen=True, slots=True, repr=False)
class SentText:
    """A text as the vendor has it. `status` is its word; `sent_at` is when the vendor took it, UTC, None if it
    does not say.

    A trial account's body begins with the vendor's own words: ours is at its end.
    """

    sid: str
    status: str
    error_code: str | None
    sent_at: datetime | None
    body: str


class TextGateway(Protocol):
    """A vendor that sends texts. Every method may raise TextError and nothing else; each call has a time-out."""

    def send(self, text: OutgoingText) -> SentText: ...
    def find(self, to: str, since: datetime) -> list[SentText]: ...
