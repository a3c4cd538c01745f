"""People: sign up, log in, change, delete. Input has been checked for shape by forms.py."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.exc import IntegrityError

from background import enqueue
from database import utcnow
from domain.errors import Conflict, Forbidden
from domain.periods import local_date
from domain.text import is_clean_line
from domain.usernames import username_key
from extensions import bcrypt, db
from models import PHONE, Account, BudgetTracker, FinancialInstitution, User
from services import devices, throttling
from services.consent import forget_numbers
from services.removals import remember_removals
from services.sessions import end_others
from services.verification import forget_code
from vault import vault


@dataclass(frozen=True, kw_only=True, repr=False)
class Profile:
    """What a person says about themselves; phone_number in E.164, timezone an IANA name."""

    username: str
    phone_number: str
    first_name: str
    last_name: str
    account_type: str
    timezone: str


class UsernameTaken(Conflict):
    code = "username_taken"
    message = "That username is taken. Please choose another."


class AccountTypeLocked(Conflict):
    code = "account_type_locked"
    message = "The account type is fixed while an institution is linked."


def sign_up(profile: Profile, password: str) -> User:
    """Create a user. UsernameTaken when the name exists in any spelling of case."""
    user = User(
        username=profile.username,
        username_key=username_key(profile.username),
        password_hash=_hash(password),
        phone_number=profile.phone_number,
        first_name=profile.first_name,
        last_name=profile.last_name,
        account_type=profile.account_type,
        timezone=profile.timezone,
    )
    db.session.add(user)
    _commit_name()
    return user


def authenticate(
    username: str, password: str, *, address: str | None = None, browser: Sequence[str] = ()
) -> User | None:
    """The user this name and password belong to. TooManyGuesses when there were too many lately.

    An unknown name costs the same time as a wrong password, and is counted just the same. `address` is the
    client's, `browser` the tokens of its device cookie (services/devices.py).
    """
    # No name was ever kept that is not clean, and Postgres refuses to be asked for one with a NUL.
    key = username_key(username) if is_clean_line(username) else ""
    guess = throttling.begin(throttling.for_log_in(key, address, devices.known(browser, key)))
    user = db.session.scalar(select(User).where(User.username_key == key))
    db.session.commit()  # hashing takes a third of a second: no transaction waits for it
    return user if _was_right(guess, user, password) else None


def confirm_password(user: User, password: str) -> bool:
    """Is this the person's password? Asked again before anything that cannot be undone. TooManyGuesses when it was
    wrong too often lately."""
    return _was_right(throttling.begin(throttling.for_confirmation(user.id)), user, password)


def update_profile(user: User, profile: Profile) -> None:
    """Replace the profile. UsernameTaken, AccountTypeLocked, or Forbidden for a demo copy."""
    _not_for_demo(user)
    if profile.account_type != user.account_type and linked_count(user) > 0:
        raise AccountTypeLocked
    _move_number(user, profile.phone_number)
    _move_zone(user, profile.timezone)
    user.username = profile.username
    user.username_key = username_key(profile.username)
    user.first_name = profile.first_name
    user.last_name = profile.last_name
    user.account_type = profile.account_type
    _commit_name()


def _move_number(user: User, number: str) -> None:
    """Another number is unverified, and nobody has agreed to texts to it. The same number changes nothing; an
    opt-out belongs to the number and stays where it is."""
    if number == user.phone_number:
        return
    # Written out even where they are null as we know them: the old number may be verified at this very moment.
    nothing = {"phone_verified_at": None, "texts_agreed_at": None, "phone_problem": None}
    moved = {"phone_number": number, "phone_hash": vault.digest(PHONE, number), **nothing}
    db.session.execute(update(User).where(User.id == user.id).values(**moved))
    forget_code(user.id)


def _move_zone(user: User, timezone: str) -> None:
    """The local day may jump back by two. Texts stay on their dates, but none is further away than its frequency
    and a day."""
    if timezone == user.timezone:
        return
    user.timezone = timezone
    today = local_date(utcnow(), timezone)
    for tracker in db.session.scalars(_trackers_of(user)):
        latest = today + timedelta(days=tracker.notification_frequency + 1)
        tracker.next_notification_date = min(tracker.next_notification_date, latest)


def _trackers_of(user: User) -> Select[BudgetTracker]:
    return (
        select(BudgetTracker)
        .join(Account, Account.id == BudgetTracker.account_id)
        .join(FinancialInstitution, FinancialInstitution.id == Account.financial_institution_id)
        .where(FinancialInstitution.user_id == user.id)
    )


def change_password(user: User, new_password: str, session_token: str | None) -> None:
    """Set a new password and end every other session; no browser is known any more."""
    _not_for_demo(user)
    user.password_hash = _hash(new_password)
    end_others(user.id, session_token)
    devices.forget_all(user.id)
    db.session.commit()


def delete_user(user: User) -> None:
    """Delete a person and everything they have, in one commit; their Items are ended by rows that stay until done.

    Forbidden for a demo copy: those are removed by the job (see remove_user).
    """
    _not_for_demo(user)
    remove_user(user)


def remove_user(user: User) -> None:
    """Remove a user with every row of theirs, waiting texts too, and remember each Item that must be ended at the
    vendor. What stays is proof: that somebody agreed to texts, without the number, and which numbers said STOP."""
    # Locked first: a link that is being committed waits, and then finds nobody to belong to.
    db.session.execute(select(User.id).where(User.id == user.id).with_for_update())
    removals = remember_removals(FinancialInstitution.user_id == user.id)
    forget_numbers(user.id)
    db.session.execute(delete(User).where(User.id == user.id))
    db.session.commit()
    for removal_id in removals:
        enqueue("remove_item", removal_id=removal_id)


def linked_count(user: User) -> int:
    """How many institutions this person has linked."""
    count = db.session.scalar(
        select(func.count()).select_from(FinancialInstitution).where(FinancialInstitution.user_id == user.id)
    )
    return count or 0


def account_count(user: User) -> int:
    """How many accounts this person would lose with their profile."""
    count = db.session.scalar(
        select(func.count())
        .select_from(Account)
        .join(FinancialInstitution)
        .where(FinancialInstitution.user_id == user.id, Account.deleted_at.is_(None))
    )
    return count or 0


def load_user(user_id: str) -> User | None:
    """The user of a session (see User.get_id); None when they are gone or their password has changed since."""
    number, _, _print = user_id.partition(":")
    user = db.session.get(User, int(number)) if number.isdigit() else None
    return user if user is not None and user.get_id() == user_id else None


def _not_for_demo(user: User) -> None:
    if user.is_demo:
        raise Forbidden("The demo's profile stays as it is. Sign up to have your own.", code="demo")


def _commit_name() -> None:
    try:
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        raise UsernameTaken from None


def _was_right(guess: throttling.Guess, user: User | None, password: str) -> bool:
    right = _matches(user, password)
    if right:
        throttling.succeed(guess)
    return right


def _matches(user: User | None, password: str) -> bool:
    """Is this the user's password? For nobody, and for a demo copy, which has none: no, at the same price."""
    kept = None if user is None or user.is_demo else user.password_hash
    return bcrypt.check_password_hash(kept or _dummy_hash(), password) and kept is not None


def _hash(password: str) -> str:
    return bcrypt.generate_password_hash(password).decode("ascii")


@lru_cache(maxsize=1)
def _dummy_hash() -> str:
    """A hash that no password matches, of the same cost as a real one."""
    return _hash(secrets.token_urlsafe(16))
