"""Linking an institution: from the public token Link gives to a row that a worker reads."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from background import enqueue
from database import utcnow
from domain.connections import ANEW_CODES
from domain.errors import BadInput, Conflict, VendorTrouble
from domain.text import isolated, one_line
from domain.wording import linking_sentence
from extensions import db
from models import ERROR, NEEDS_LOGIN, REVOKED, Account, FinancialInstitution, ItemRemoval, User
from providers.base import BankGateway, Banks, Exchanged, Kind, LinkToken, ProviderError
from services import exchanges, vendors
from vault import digest

log = logging.getLogger(__name__)

MAX_TOKEN = 512
TWIN_COMMIT_SECONDS = 1.0
"""How long a refused token waits for a twin request that may have won it this moment."""
TWIN_WAIT_SECONDS = 3.0
"""And how long when a twin is known to be under way."""


def create_link_token(user: User, banks: Banks) -> LinkToken:
    """A token that opens Link for this person. VendorTrouble when the vendor does not give one."""
    bank, user_id, environment = bank_of(user.environment, banks), user.id, user.environment
    db.session.commit()
    try:
        with vendors.asking(environment):
            return bank.create_link_token(user_id)
    except ProviderError as error:
        log.warning("link token refused: %s", error)
        raise VendorTrouble(linking_sentence(error.code, error.kind)) from None


def bank_of(environment: str, banks: Banks) -> BankGateway:
    try:
        return banks[environment]
    except KeyError:
        raise VendorTrouble(
            "This site has no Plaid keys for this kind of account, so banks cannot be linked.",
            code="not_configured",
        ) from None


def link(
    user: User, public_token: object, metadata: object, *, confirm_duplicate: bool, banks: Banks
) -> FinancialInstitution:
    """Exchange a public token and keep the new institution; reading it goes on in the background.

    The same token again by the same person is the same institution. `metadata` is Link's, optional and
    untrusted: it names the institution until the vendor does, and lets an already linked one be noticed
    before anything is exchanged (Conflict `already_linked`, unless confirm_duplicate). BadInput
    `invalid_public_token` for a bad, used, expired or foreign token; VendorTrouble when the vendor fails.
    """
    token = _checked_token(public_token)
    hint = LinkHint(metadata)
    # Plain values from here on: the row may be gone, and cannot be read again, when the vendor has answered.
    user_id, environment = user.id, user.environment
    if (existing := _linked_by(token, user_id)) is not None:
        return existing
    if not confirm_duplicate:
        _refuse_twin(user_id, hint)
    bank = bank_of(environment, banks)
    # Its commit: no transaction is open while the vendor is asked.
    note_id = exchanges.note(token, environment)
    try:
        exchanged = bank.exchange(token)
    except ProviderError as error:
        vendors.learn(vendors.keys_of(environment, None), error)
        return _not_exchanged(error, token, user_id, note_id)
    institution = _new_institution(user_id, environment, token, hint, exchanged)
    institution.webhook_url = bank.webhook_url
    kept = _keep(institution, token, exchanged, bank)
    # Not before: nothing may come between an Item and its row.
    vendors.succeeded(vendors.keys_of(environment, None))
    return kept


def _checked_token(public_token: object) -> str:
    if (
        not isinstance(public_token, str)
        or not public_token.isprintable()
        or not 0 < len(public_token) <= MAX_TOKEN
    ):
        raise _invalid_token()
    return public_token


def _invalid_token() -> BadInput:
    return BadInput(
        "That link has expired or was used already. Please link again.", code="invalid_public_token"
    )


def _linked_by(token: str, user_id: int) -> FinancialInstitution | None:
    """The institution this token made. A token that somebody else exchanged is invalid here."""
    query = select(FinancialInstitution).where(FinancialInstitution.public_token_hash == digest(token))
    institution = db.session.scalar(query)
    if institution is not None and institution.user_id != user_id:
        raise _invalid_token()
    return institution


def _not_exchanged(
    error: ProviderError, token: str, user_id: int, note_id: int | None
) -> FinancialInstitution:
    """A refused token may be one that our own twin request is exchanging this moment: its row is about to come.

    When nobody knows whether the exchange was carried out, its note stays."""
    if error.kind is not Kind.RETRY:
        exchanges.never_happened(note_id)
    if error.kind is not Kind.INPUT:
        log.warning("exchange failed: %s", error)
        raise VendorTrouble(linking_sentence(error.code, error.kind)) from None
    # Whoever asked the vendor first won, whichever of the two made the note; its row is a commit away.
    deadline = time.monotonic() + (TWIN_COMMIT_SECONDS if note_id is not None else TWIN_WAIT_SECONDS)
    while (institution := _linked_by(token, user_id)) is None:
        db.session.commit()
        if time.monotonic() >= deadline:
            raise _invalid_token()
        time.sleep(0.1)
    return institution


def _keep(
    institution: FinancialInstitution, token: str, exchanged: Exchanged, bank: BankGateway
) -> FinancialInstitution:
    """Commit the Item. If that fails the Item is given back: an access token without a row is lost for ever."""
    user_id, environment = institution.user_id, institution.environment
    try:
        db.session.add(institution)
        db.session.flush()
        exchanges.settle(token)
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        if (existing := _in_use(exchanged, token, user_id)) is not None:
            return existing
        _give_back(bank, exchanged, environment, token)  # the person was deleted meanwhile
        raise _invalid_token() from None
    except SQLAlchemyError:
        db.session.rollback()
        _give_back(bank, exchanged, environment, token)
        raise
    enqueue("refresh", institution_id=institution.id)
    return institution


def _new_institution(
    user_id: int, environment: str, token: str, hint: LinkHint, exchanged: Exchanged
) -> FinancialInstitution:
    now = utcnow()
    return FinancialInstitution(
        user_id=user_id,
        environment=environment,
        plaid_item_id=exchanged.item_id,
        access_token=exchanged.access_token,
        public_token_hash=digest(token),
        plaid_institution_id=hint.institution_id,
        name=hint.name or "Your bank",
        due_at=now,
        scheduled_at=now,
        created_at=now,
    )


def _in_use(exchanged: Exchanged, token: str, user_id: int) -> FinancialInstitution | None:
    """The institution that has this token or this Item already; the exchange's note is then done with."""
    try:
        existing = _linked_by(token, user_id) or _linked_as(exchanged.item_id, user_id)
    except BadInput:  # somebody else's, who uses it
        _settle(token)
        raise
    if existing is not None:
        _settle(token)
    return existing


def _settle(token: str) -> None:
    exchanges.settle(token)
    db.session.commit()


def _linked_as(item_id: str, user_id: int) -> FinancialInstitution | None:
    """The institution that has this Item already, under another token. It is in use: it must not be ended."""
    institution = db.session.scalar(
        select(FinancialInstitution).where(FinancialInstitution.plaid_item_id == item_id)
    )
    if institution is not None and institution.user_id != user_id:
        raise _invalid_token()
    return institution


def _give_back(bank: BankGateway, exchanged: Exchanged, environment: str, token: str) -> None:
    """End an Item that has no row. What fails is remembered as a removal, if the database can do that much."""
    end = "was ended"
    try:
        bank.remove(exchanged.access_token)
    except ProviderError as error:
        end = "may be left at the vendor"
        log.error("an Item could not be kept nor given back: %s", error)
        _remember(exchanged, environment)
    try:
        exchanges.settle(token)
        db.session.commit()
    except SQLAlchemyError as error:
        db.session.rollback()
        # Its note stays and will be shown as EXCHANGE_LOST: the operator must know what to do about it.
        log.error("Item %s %s, which could not be noted: %s", exchanged.item_id, end, type(error).__name__)


def _remember(exchanged: Exchanged, environment: str) -> None:
    """Add a removal; it is committed with the end of the exchange's note."""
    db.session.add(
        ItemRemoval(
            environment=environment,
            plaid_item_id=exchanged.item_id,
            access_token=exchanged.access_token,
            due_at=utcnow(),
        )
    )


class LinkHint:
    """What Link's metadata claims, read defensively: any shape is accepted, only text of sane length is used."""

    def __init__(self, metadata: object) -> None:
        data = metadata if isinstance(metadata, dict) else {}
        institution = data.get("institution")
        institution = institution if isinstance(institution, dict) else {}
        self.institution_id = _short_text(institution.get("institution_id"), 64)
        self.name = _short_text(institution.get("name"), 255)
        accounts = data.get("accounts")
        self.accounts = set(_names_and_masks(accounts if isinstance(accounts, list) else []))


def _short_text(value: object, limit: int) -> str | None:
    if not isinstance(value, str):
        return None
    return one_line(value[: 4 * limit])[:limit].strip() or None


def _names_and_masks(accounts: list[Any]) -> Iterator[tuple[str, str | None]]:
    for account in accounts[:200]:
        if isinstance(account, dict) and (name := _short_text(account.get("name"), 1000)):
            yield name, _short_text(account.get("mask"), 16)


def _refuse_twin(user_id: int, hint: LinkHint) -> None:
    """Conflict when a linked institution shares an account (name and mask) with the one being linked. One that gives
    no numbers any more may be the same login, which was just renewed the hard way: that is another question."""
    twins = _twins(user_id, hint)
    for name, ended in twins:
        if not ended:
            raise Conflict(
                f"{isolated(name)} is already linked with these accounts. Link it once more?",
                code="already_linked",
            )
    if twins:
        raise Conflict(
            f"{isolated(twins[0][0])} is already linked with these accounts, but gives no numbers any more. If "
            "this is the same login, its budget trackers, history and deletions can move over once the new link "
            "has been read.",
            code="same_login",
        )


def _twins(user_id: int, hint: LinkHint) -> list[tuple[str, bool]]:
    """The institutions that share an account with the one being linked: name, and whether it gives no numbers until
    its person does something."""
    if not hint.accounts or not (hint.institution_id or hint.name):
        return []
    table = FinancialInstitution
    same = (
        table.plaid_institution_id == hint.institution_id if hint.institution_id else table.name == hint.name
    )
    query = (
        select(table.name, table.state, table.error_code, Account.name.label("account_name"), Account.mask)
        .join(Account, Account.financial_institution_id == table.id)
        .where(table.user_id == user_id, same)
    )
    rows = db.session.execute(query)
    return [(row.name, _has_ended(row)) for row in rows if (row.account_name, row.mask) in hint.accounts]


def _has_ended(row: Any) -> bool:
    if row.state == ERROR:
        return row.error_code in ANEW_CODES
    return row.state in (NEEDS_LOGIN, REVOKED)
