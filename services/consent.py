"""Agreeing to texts, and taking that back. Each agreement is a row of proof that outlives the person's others."""

from __future__ import annotations

from sqlalchemy import exists, select, update

from database import utcnow
from domain.consent import CURRENT
from domain.errors import Conflict, Forbidden
from domain.text_wording import SANDBOX_SENTENCE
from extensions import db
from models import PHONE, TextConsent, User
from services import text_rules
from vault import vault


class NotEligible(Conflict):
    """This kind of account, or this site, has no texts."""

    code = "not_eligible"


def require_texts(user: User, *, texts_on: bool) -> None:
    """Refuse whoever can never cause a text: Forbidden for a demo visitor, NotEligible for a sandbox account or a
    site without a text service."""
    match text_rules.why_not(user, texts_on=texts_on, opted_out=False):
        case text_rules.DEMO:
            raise Forbidden("The demo sends no texts. Sign up to have your own.", code="demo")
        case text_rules.SANDBOX:
            raise NotEligible(f"{SANDBOX_SENTENCE}.")
        case text_rules.TEXTS_OFF:
            raise NotEligible("Texts are off on this site: it has no text service set up.")


def agree(user: User) -> None:
    """Note that this person agrees, in the current wording, to texts to the number they have now. Agreeing again to
    what holds already changes nothing. Conflict when the number was changed in another window meanwhile."""
    number, number_hash = user.phone_number, user.phone_hash
    if user.texts_agreed_at is not None and _agreed_to_current(user):
        return
    now = utcnow()
    same_number = (User.id == user.id, User.phone_hash == number_hash)
    found = db.session.execute(
        update(User).where(*same_number).values(texts_agreed_at=now).returning(User.id)
    ).one_or_none()
    if found is None:
        db.session.rollback()
        raise Conflict("Your phone number has just been changed. Please look at it and agree again.")
    db.session.add(
        TextConsent(
            user_id=user.id,
            phone_number=number,
            phone_hash=vault.digest(PHONE, number),
            version=CURRENT,
            agreed_at=now,
        )
    )
    db.session.commit()
    db.session.refresh(user)


def withdraw(user: User) -> None:
    """No more budget texts for this person; what they had agreed to keeps its row, with the moment it ended."""
    own = (TextConsent.user_id == user.id, TextConsent.withdrawn_at.is_(None))
    db.session.execute(update(TextConsent).where(*own).values(withdrawn_at=utcnow()))
    db.session.execute(update(User).where(User.id == user.id).values(texts_agreed_at=None))
    db.session.commit()
    db.session.refresh(user)


def forget_numbers(user_id: int) -> None:
    """The proof stays when a person goes, their number does not. Does not commit."""
    db.session.execute(update(TextConsent).where(TextConsent.user_id == user_id).values(phone_number=None))


def _agreed_to_current(user: User) -> bool:
    held = exists().where(
        TextConsent.user_id == user.id,
        TextConsent.phone_hash.in_(vault.digests(PHONE, user.phone_number)),
        TextConsent.version == CURRENT,
        TextConsent.withdrawn_at.is_(None),
    )
    return bool(db.session.scalar(select(held)))
