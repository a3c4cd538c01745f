"""Exchanges under way: a row that is there before the vendor is asked, so that a killed process leaves a trace.

A public token works once and the vendor lists no Items: an access token that no row holds cannot be had again,
and its Item is billed for ever. So the public token itself is noted, encrypted, as a removal that is to happen
later, and the note goes in the transaction that keeps the institution. A note that stays is redeemed while the
token still lives: if it was never exchanged, its Item is taken and ended; if it was, the answer is lost, and the
row is parked as EXCHANGE_LOST for the operator.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.exc import IntegrityError

from database import utcnow
from extensions import db
from models import FinancialInstitution, ItemRemoval
from providers.base import BankGateway, Kind, ProviderError
from vault import digest

REDEEM_AFTER = timedelta(minutes=20)
"""The person may try the same token again until then; Plaid's public tokens live for 30 minutes."""
LOST = "EXCHANGE_LOST"
_PREFIX = "exchange:"


def note(public_token: str, environment: str) -> int | None:
    """Commit a note that this token is about to be exchanged; its id. None when one is there already: a twin
    request's, or that of a try whose end nobody knows."""
    row = ItemRemoval(
        environment=environment,
        plaid_item_id=_key(public_token),
        access_token=public_token,
        due_at=utcnow() + REDEEM_AFTER,
    )
    db.session.add(row)
    try:
        db.session.flush()
        note_id = row.id
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        return None
    return note_id


def settle(public_token: str) -> None:
    """Forget this token's note, whoever made it: its Item has a row now, or is ended. Does not commit."""
    db.session.execute(delete(ItemRemoval).where(ItemRemoval.plaid_item_id == _key(public_token)))


def never_happened(note_id: int | None) -> None:
    """The vendor refused the exchange, so no Item of ours came of it. A twin's note (None) is the twin's."""
    if note_id is not None:
        db.session.execute(delete(ItemRemoval).where(ItemRemoval.id == note_id))
        db.session.commit()


def is_note(plaid_item_id: str) -> bool:
    return plaid_item_id.startswith(_PREFIX)


def redeem(note_id: int, public_token: str, bank: BankGateway) -> str | None:
    """The access token of the Item a note stands for, kept in its row; None when the Item is in use.

    ProviderError EXCHANGE_LOST (permanent) when the token was used up: an Item may be left at the vendor.
    """
    if _in_use(FinancialInstitution.public_token_hash == digest(public_token)):
        return None
    try:
        exchanged = bank.exchange(public_token)
    except ProviderError as error:
        if error.kind is Kind.INPUT:
            raise ProviderError(LOST, Kind.PERMANENT, request_id=error.request_id) from None
        raise
    if _in_use(FinancialInstitution.plaid_item_id == exchanged.item_id):
        return None
    same = ItemRemoval.plaid_item_id == exchanged.item_id
    db.session.execute(delete(ItemRemoval).where(same, ItemRemoval.id != note_id))
    db.session.execute(
        update(ItemRemoval)
        .where(ItemRemoval.id == note_id)
        .values(plaid_item_id=exchanged.item_id, access_token=exchanged.access_token),
        execution_options={"synchronize_session": False},
    )
    db.session.commit()
    return exchanged.access_token


def _in_use(condition: ColumnElement[bool]) -> bool:
    found = db.session.scalar(select(FinancialInstitution.id).where(condition)) is not None
    db.session.commit()
    return found


def _key(public_token: str) -> str:
    return _PREFIX + digest(public_token)
