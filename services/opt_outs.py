"""Numbers whose owners do not want texts. An opt-out belongs to the number: it holds for every user who has it,
and survives their deletion. Numbers are E.164, found by their keyed hash under any key."""

from __future__ import annotations

from sqlalchemy import ColumnElement, delete, exists, select

from database import upsert, utcnow
from extensions import db
from models import PHONE, PhoneOptOut, User
from vault import vault

REPLY, VENDOR = "reply", "vendor"
"""Where we know it from: a STOP that reached us, or a vendor that refused to send (21610)."""


def record(number: str, source: str) -> None:
    """Note that this number wants no texts. Twice is once."""
    if not is_opted_out(number):
        statement = upsert(
            PhoneOptOut.__table__, ["phone_hash"], ["source"], db.session.get_bind().dialect.name
        )
        row = {
            "phone_hash": vault.digest(PHONE, number),
            "phone_number": number,
            "source": source,
            "opted_out_at": utcnow(),
        }
        db.session.execute(statement, [row])
    db.session.commit()


def lift(number: str) -> None:
    """The number's owner wants texts again (START)."""
    db.session.execute(delete(PhoneOptOut).where(PhoneOptOut.phone_hash.in_(vault.digests(PHONE, number))))
    db.session.commit()


def is_opted_out(number: str) -> bool:
    """Does this number want no texts? Also when it said so under an older key."""
    query = select(PhoneOptOut.id).where(PhoneOptOut.phone_hash.in_(vault.digests(PHONE, number))).limit(1)
    return db.session.scalar(query) is not None


def opted_out_users() -> ColumnElement[bool]:
    """For queries over User: is this person's number on the list? (Under the same key; is_opted_out knows more.)"""
    return exists().where(PhoneOptOut.phone_hash == User.phone_hash)
