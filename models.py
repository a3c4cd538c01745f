"""Tables, their constraints, and questions about one row. No HTTP, no commit, no request.

Money is Decimal here and 1/10000 integers in the database; datetimes are aware and in UTC; dates are
calendar dates (a bank's, or the user's local day where a comment says so).
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask_login import UserMixin
from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from database import Amount, EncryptedText, UtcDateTime, utcnow
from extensions import Model
from vault import vault

SANDBOX, PRODUCTION = "sandbox", "production"
ENVIRONMENT_OF = {"sandbox": SANDBOX, "development": PRODUCTION}
"""Account type to Plaid environment: Plaid ended Development on 2024-06-20, so real data is Production."""

NEW, HEALTHY, NEEDS_LOGIN, EXPIRING, REVOKED, ERROR = (
    "new",
    "healthy",
    "needs_login",
    "expiring",
    "revoked",
    "error",
)
STATES = (NEW, HEALTHY, NEEDS_LOGIN, EXPIRING, REVOKED, ERROR)
CONNECTING, ACCOUNTS, TRANSACTIONS, DONE = "connecting", "accounts", "transactions", "done"
STAGES = (CONNECTING, ACCOUNTS, TRANSACTIONS, DONE)
ANNOUNCED, GUESSED, CONSENT = "announced", "guessed", "consent"
"""Where the end of a connection is known from."""


PHONE = "phone"
"""The purpose under which vault.digest hashes phone numbers (E.164)."""

PENDING, SENDING, SENT, DELIVERED, UNKNOWN, SKIPPED, FAILED = (
    "pending",
    "sending",
    "sent",
    "delivered",
    "unknown",
    "skipped",
    "failed",
)
TEXT_STATUSES = (PENDING, SENDING, SENT, DELIVERED, UNKNOWN, SKIPPED, FAILED)
BUDGET, CODE = "budget", "code"


_NEVER_REUSED = {"sqlite_autoincrement": True}
"""An id that was deleted must never come to mean something else (Postgres does so by itself)."""


def _random_id() -> str:
    return secrets.token_urlsafe(32)


def _one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def _hash_of_phone(context: Any) -> str:
    """The keyed hash that belongs to the number being written in the same row."""
    return vault.digest(PHONE, context.get_current_parameters()["phone_number"])


class User(UserMixin, Model):
    """A person, or one demo visitor's private copy."""

    __tablename__ = "users"
    __table_args__ = (_one_of("account_type", tuple(ENVIRONMENT_OF)), _NEVER_REUSED)

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(64))
    username_key: Mapped[str] = mapped_column(String(128), unique=True)
    """The name's case-folded form: unique without regard to case. Demo copies add '#' and a random part."""
    password_hash: Mapped[str] = mapped_column(String(128))
    phone_number: Mapped[str] = mapped_column(EncryptedText, deferred=True)
    """E.164, encrypted."""
    phone_hash: Mapped[str] = mapped_column(String(64), default=_hash_of_phone, server_default="", index=True)
    """vault.digest(PHONE, phone_number): finds a number without opening one."""
    phone_verified_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the person typed in the code sent to this number; null again when the number changes."""
    texts_agreed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the person agreed to texts to this number; null again when the number changes or they withdraw."""
    phone_problem: Mapped[str | None] = mapped_column(String(16))
    """The vendor's code for why this number cannot be texted; null when nothing is known against it."""
    first_name: Mapped[str] = mapped_column(String(100))
    last_name: Mapped[str] = mapped_column(String(100))
    account_type: Mapped[str] = mapped_column(String(16))
    timezone: Mapped[str] = mapped_column(String(64))
    """IANA name; local days are counted in it."""
    is_demo: Mapped[bool] = mapped_column(Boolean, default=False)
    demo_due_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    """When a worker goes on furnishing this copy (banks, then trackers); null: it is done, or it is no copy."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow, index=True)

    def get_id(self) -> str:
        """What a session remembers: the id, and a print of the password's hash. A session that was opened with a
        password which is no longer the person's (a log-in under way while it changed) is nobody's."""
        return f"{self.id}:{hashlib.sha256(self.password_hash.encode()).hexdigest()[:16]}"

    @property
    def environment(self) -> str:
        """The Plaid environment new institutions of this person live in."""
        return ENVIRONMENT_OF[self.account_type]


class UserSession(Model):
    """One signed-in browser. Only the SHA-256 of the cookie's id is kept: a stolen table opens nothing."""

    __tablename__ = "user_sessions"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    last_seen_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow, index=True)


class TrustedDevice(Model):
    """A browser somebody has signed in with: strangers' wrong passwords do not slow down its owner there."""

    __tablename__ = "trusted_devices"
    __table_args__ = (_NEVER_REUSED,)

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    """SHA-256 of one of the tokens in the browser's cookie."""
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    last_used_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow, index=True)


class LogInFailures(Model):
    """A counter of wrong passwords (domain/throttling.py says what its two moments mean). Whole milliseconds since
    the epoch, because both databases must do the same sums with them in one statement."""

    __tablename__ = "log_in_failures"

    key_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    """Keyed hash of what is counted: a name, an address, both, a browser, a person."""
    forgotten_at: Mapped[int] = mapped_column(index=True)
    open_at: Mapped[int]


class FinancialInstitution(Model):
    """A linked Plaid Item: its token, how far it has been read, and who is reading it now.

    Work protocol: `due_at` says when a background refresh is wanted (null: only by the daily job, which reads
    `scheduled_at`); a worker claims it by a conditional UPDATE that sets `lease_id` and `lease_until`; only the
    holder of the lease
    writes results; an expired lease is free for the next worker.
    """

    __tablename__ = "financial_institutions"
    __table_args__ = (
        _one_of("state", STATES),
        _one_of("stage", STAGES),
        _one_of("environment", (SANDBOX, PRODUCTION)),
        Index("ix_financial_institutions_due_at", "due_at"),
        Index("ix_financial_institutions_user_id", "user_id", "id"),
        _NEVER_REUSED,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    environment: Mapped[str] = mapped_column(String(16))
    plaid_item_id: Mapped[str] = mapped_column(String(128), unique=True)
    access_token: Mapped[str] = mapped_column(EncryptedText, deferred=True)
    public_token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    """SHA-256 of the public token it came from: the same token again is the same institution."""
    plaid_institution_id: Mapped[str | None] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(255))
    primary_color: Mapped[str | None] = mapped_column(String(7))
    logo: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    has_logo: Mapped[bool] = mapped_column(Boolean, default=False)
    identified: Mapped[bool] = mapped_column(Boolean, default=False)
    """The vendor has said who this is; until then the name is what Link said."""

    state: Mapped[str] = mapped_column(String(16), default=NEW)
    stage: Mapped[str] = mapped_column(String(16), default=CONNECTING)
    error_code: Mapped[str | None] = mapped_column(String(64))
    refreshed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When a refresh last succeeded."""
    balances_as_of: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """The age of the balances: older than refreshed_at when the bank refused real-time numbers."""
    transactions_cursor: Mapped[str | None] = mapped_column(String(512), deferred=True)
    transactions_status: Mapped[str | None] = mapped_column(String(48))
    """Plaid's transactions_update_status of the last sync; null before the first."""
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the bank will end access (the consent's end, or an announced disconnection); null: no end is known."""
    end_source: Mapped[str | None] = mapped_column(String(16))
    """Where that is known from: ANNOUNCED, GUESSED (announced without its day: it comes by then, maybe sooner), or the
    consent's own end; null where no end is known."""
    new_accounts_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the bank said that there are accounts the person has not chosen yet; null: there are none."""
    accounts_chosen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the person last chose in Link which accounts are shared, until they have been read since: those that
    are no longer reported then were not chosen, so they are deleted, not closed."""
    purged_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the person withdrew access at the bank and everything it had given was deleted here."""
    webhook_url: Mapped[str | None] = mapped_column(String(512))
    """Where the vendor was last told to send news of this Item."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)

    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    scheduled_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow, index=True)
    """When the daily job refreshes it next: 06:00 of the owner's next local day after a success."""
    attempts: Mapped[int] = mapped_column(default=0)
    """How often NOT_READY was met since linking: the place in the retry ladder."""
    realtime_wanted: Mapped[bool] = mapped_column(Boolean, default=False)
    realtime_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When a real-time refresh was last accepted: the next may come 60 s later."""
    lease_id: Mapped[str | None] = mapped_column(String(32))
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)

    accounts: Mapped[list[Account]] = relationship(back_populates="institution", passive_deletes=True)

    def working(self, now: datetime) -> bool:
        """Is a refresh under way or queued? (An expired lease is queued work: the sweeper takes it over.)"""
        return self.due_at is not None or (self.lease_until is not None and self.lease_until > now)


class Account(Model):
    """One account as the bank last reported it. `deleted_at` marks one the person deleted: an empty row that
    keeps it from coming back with the next refresh; `closed_at` one the bank no longer reports."""

    __tablename__ = "accounts"
    __table_args__ = (UniqueConstraint("financial_institution_id", "plaid_account_id"), _NEVER_REUSED)

    id: Mapped[int] = mapped_column(primary_key=True)
    financial_institution_id: Mapped[int] = mapped_column(
        ForeignKey("financial_institutions.id", ondelete="CASCADE")
    )
    plaid_account_id: Mapped[str] = mapped_column(String(128))
    persistent_account_id: Mapped[str | None] = mapped_column(String(128))
    name: Mapped[str] = mapped_column(Text)
    official_name: Mapped[str | None] = mapped_column(Text)
    mask: Mapped[str | None] = mapped_column(String(16))
    type: Mapped[str] = mapped_column(String(32))
    subtype: Mapped[str | None] = mapped_column(String(64))
    available: Mapped[Decimal | None] = mapped_column(Amount)
    current: Mapped[Decimal | None] = mapped_column(Amount)
    limit: Mapped[Decimal | None] = mapped_column(Amount)
    currency: Mapped[str | None] = mapped_column(String(16))
    """ISO 4217 code, or the bank's unofficial code (a coin); null when it gives neither."""
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)

    institution: Mapped[FinancialInstitution] = relationship(back_populates="accounts")

    @property
    def closed(self) -> bool:
        return self.closed_at is not None


class BalanceSnapshot(Model):
    """An account's balances at the end of the last refresh of one local day of its owner."""

    __tablename__ = "balance_snapshots"

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    local_date: Mapped[date] = mapped_column(primary_key=True)
    available: Mapped[Decimal | None] = mapped_column(Amount)
    current: Mapped[Decimal | None] = mapped_column(Amount)
    limit: Mapped[Decimal | None] = mapped_column(Amount)
    currency: Mapped[str | None] = mapped_column(String(16))


class Transaction(Model):
    """A transaction as Plaid reports it now. Amount has Plaid's sign: positive is money out of the account."""

    __tablename__ = "transactions"
    __table_args__ = (
        UniqueConstraint("financial_institution_id", "plaid_transaction_id"),
        Index("ix_transactions_account_id", "account_id", "date"),
        Index("ix_transactions_spending_version", "spending_version"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    financial_institution_id: Mapped[int] = mapped_column(
        ForeignKey("financial_institutions.id", ondelete="CASCADE")
    )
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    plaid_transaction_id: Mapped[str] = mapped_column(String(128))
    pending_transaction_id: Mapped[str | None] = mapped_column(String(128))
    amount: Mapped[Decimal] = mapped_column(Amount)
    currency: Mapped[str | None] = mapped_column(String(16))
    date: Mapped[date]
    authorized_date: Mapped[date | None]
    name: Mapped[str] = mapped_column(Text)
    merchant_name: Mapped[str | None] = mapped_column(Text)
    pending: Mapped[bool] = mapped_column(Boolean)
    category: Mapped[str | None] = mapped_column(String(64))
    """personal_finance_category.primary."""
    category_detail: Mapped[str | None] = mapped_column(String(96))
    """personal_finance_category.detailed."""
    spending_class: Mapped[str] = mapped_column(String(16), default="", server_default="")
    """counted, refund or left_out, by domain/spending.py when the row is written."""
    spending_reason: Mapped[str | None] = mapped_column(String(32))
    """Why it is left out; null when it is not."""
    spending_version: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    """domain.spending.RULES_VERSION that classified it; rows of an older one are classified again."""


class BudgetTracker(Model):
    """A monthly budget on one account, and when its next text is due.

    Dates are the owner's local days. `counted_from` is the day of the last text, or of creation: the
    frequency is counted from it. What was spent is never stored: it is summed when it is asked for.
    """

    __tablename__ = "budget_trackers"
    __table_args__ = (
        CheckConstraint("threshold > 0", name="threshold"),
        CheckConstraint("notification_frequency BETWEEN 1 AND 15", name="notification_frequency"),
        _NEVER_REUSED,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), unique=True)
    threshold: Mapped[Decimal] = mapped_column(Amount)
    """In the account's currency."""
    notification_frequency: Mapped[int]
    """Days between texts, 1 to 15."""
    counted_from: Mapped[date]
    next_notification_date: Mapped[date] = mapped_column(index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)


class TextMessage(Model):
    """An outgoing SMS: written before the call, sent once, its outcome recorded. At most one per tracker and
    local day. The body is frozen here; a verification code's body is not kept.

    pending: waits for `due_at`; sending: a worker holds it until `lease_until`; unknown: it may have gone,
    so it is never sent again; sent, delivered, skipped, failed: how it ended (`reason` says why).
    """

    __tablename__ = "text_messages"
    __table_args__ = (
        _one_of("status", TEXT_STATUSES),
        _one_of("kind", (BUDGET, CODE)),
        UniqueConstraint("budget_tracker_id", "local_date"),
        Index("ix_text_messages_status", "status", "due_at"),
        Index("ix_text_messages_user_id", "user_id", "id"),
        _NEVER_REUSED,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    callback_id: Mapped[str] = mapped_column(String(43), unique=True, default=_random_id)
    """In the address of its status callbacks: nobody can guess it."""
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    budget_tracker_id: Mapped[int | None] = mapped_column(
        ForeignKey("budget_trackers.id", ondelete="SET NULL")
    )
    """Null for a code, and when the tracker was deleted since."""
    kind: Mapped[str] = mapped_column(String(8))
    local_date: Mapped[date]
    """The receiver's local day it is for."""
    phone_hash: Mapped[str] = mapped_column(String(64), index=True)
    """The number it was written for: it is sent to that number or not at all."""
    body: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(16), default=PENDING)
    reason: Mapped[str | None] = mapped_column(String(32))
    """Why it was skipped, failed or is unknown: a word of ours (domain/wording.py) or the vendor's code."""
    provider_sid: Mapped[str | None] = mapped_column(String(64), index=True)
    provider_status: Mapped[str | None] = mapped_column(String(24))
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    """Not before this moment (real clock); later after a refused try."""
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the vendor took it."""


class TextConsent(Model):
    """That a person agreed to texts: which wording, when, for which number. Proof that outlives the person's
    other rows; the number itself goes with them, its hash stays."""

    __tablename__ = "text_consents"
    __table_args__ = (_NEVER_REUSED,)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    phone_number: Mapped[str | None] = mapped_column(EncryptedText)
    phone_hash: Mapped[str] = mapped_column(String(64))
    version: Mapped[str] = mapped_column(String(16))
    """Which wording: domain/consent.py keeps every version's words."""
    agreed_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class PhoneOptOut(Model):
    """A number that replied STOP (or that the vendor says did). It belongs to the number, holds for every user
    with it, and survives their deletion. The number is kept encrypted so that the hash can follow a new key."""

    __tablename__ = "phone_opt_outs"
    __table_args__ = (_NEVER_REUSED,)

    id: Mapped[int] = mapped_column(primary_key=True)
    phone_hash: Mapped[str] = mapped_column(String(64), unique=True)
    phone_number: Mapped[str] = mapped_column(EncryptedText)
    source: Mapped[str] = mapped_column(String(16))
    """reply, vendor (21610)."""
    opted_out_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)


class PhoneVerification(Model):
    """The newest code sent to a person, hashed: one per person. It holds for one number, ten minutes, five tries."""

    __tablename__ = "phone_verifications"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    phone_hash: Mapped[str] = mapped_column(String(64))
    code_hash: Mapped[str] = mapped_column(String(64))
    tries: Mapped[int] = mapped_column(default=0)
    sent_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)


class WebhookReceipt(Model):
    """One verified webhook of the bank vendor: written before it is answered, worked on afterwards. The same
    webhook again (its signature's hash) is the same row. Removed after some days; `item_id` names no person."""

    __tablename__ = "webhook_receipts"
    __table_args__ = (Index("ix_webhook_receipts_code", "webhook_type", "webhook_code"), _NEVER_REUSED)

    id: Mapped[int] = mapped_column(primary_key=True)
    signature_hash: Mapped[str] = mapped_column(String(64), unique=True)
    webhook_type: Mapped[str] = mapped_column(String(64))
    webhook_code: Mapped[str] = mapped_column(String(64))
    environment: Mapped[str] = mapped_column(String(16))
    item_id: Mapped[str | None] = mapped_column(String(128), index=True)
    detail: Mapped[dict[str, Any]] = mapped_column(JSON)
    """What the code needs to be worked on (an error code, a time, an account's id); nothing else is kept."""
    outcome: Mapped[str | None] = mapped_column(String(16))
    """handled, ignored, unknown_code, unknown_item; null while it waits."""
    received_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow, index=True)
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=utcnow, index=True)
    """When to work on it (again); null: done."""
    attempts: Mapped[int] = mapped_column(default=0)


class VendorState(Model):
    """Whether a vendor, or one bank behind it, is being called: what the fleet knows together.

    closed: calls go through; open: nothing is called until `retry_at`; half_open: one probe is under way until
    `probe_until`, the others wait.
    """

    __tablename__ = "vendor_states"
    __table_args__ = (_one_of("state", ("closed", "open", "half_open")),)

    key: Mapped[str] = mapped_column(String(96), primary_key=True)
    """'plaid:production', 'plaid:production:ins_3', 'twilio'."""
    state: Mapped[str] = mapped_column(String(16), default="closed")
    failures: Mapped[int] = mapped_column(default=0)
    """In a row, since the last success."""
    error_code: Mapped[str | None] = mapped_column(String(64))
    opened_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    retry_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    probe_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)


class JobRun(Model):
    """When a part of the scheduled jobs last ran to its end (real clock): after a gap the next run is careful."""

    __tablename__ = "job_runs"

    name: Mapped[str] = mapped_column(String(16), primary_key=True)
    finished_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ItemRemoval(Model):
    """An Item that must be removed at Plaid: written in the transaction that deletes its institution, kept
    until /item/remove has answered. Plaid bills an Item until then, and has no list to find a lost one."""

    __tablename__ = "item_removals"
    __table_args__ = (_NEVER_REUSED,)

    id: Mapped[int] = mapped_column(primary_key=True)
    environment: Mapped[str] = mapped_column(String(16))
    plaid_item_id: Mapped[str] = mapped_column(String(128), unique=True)
    access_token: Mapped[str] = mapped_column(EncryptedText)
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    """When to try (again); null: parked, a person must look."""
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    error_code: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
