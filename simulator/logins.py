"""What a login is answered, and the accounts behind it.

The credentials are those that Plaid documents for its Sandbox; they work at every institution and in both
environments. The accounts that Link shows already have the ids that they will have in the Item.
"""

from __future__ import annotations

import json
import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from simulator.errors import KINDS
from simulator.institutions import catalogue
from simulator.lives import custom
from simulator.lives.build import life_of
from simulator.lives.model import Account
from simulator.lives.personas import PERSONAS
from simulator.tokens import derived_id

PINS = frozenset({"1234", "credential_good"})
DEVICE_CODE = "1234"
_DEVICES = ["Text message to ***-***-1234", "Email to u***@example.com"]
_QUESTIONS = re.compile(r"mfa_questions_([1-9])_([1-9])")
_SELECTIONS = re.compile(r"mfa_selections_([1-9])_([1-9])_([2-9])")


@dataclass(frozen=True)
class LoginOutcome:
    """`error` is a Plaid error without request_id. `mfa` is {type, rounds}: rounds of prompts, each with options
    (or None) and the answer that is accepted (None: any option).
    """

    kind: Literal["ok", "mfa", "error"]
    error: dict[str, Any] | None = None
    mfa: dict[str, Any] | None = None


_OK = LoginOutcome("ok")


def check(institution_id: str, username: str, password: str, pin: str | None = None) -> LoginOutcome:
    """Whether these credentials are right. `pin` None means that it was not asked for."""
    institution = catalogue.get(institution_id)
    if institution is None:
        return _refused("INVALID_INSTITUTION")
    if institution.login_error:
        return _refused(institution.login_error)
    if not username.strip() or not password.strip() or (institution.asks_pin and pin == ""):
        return _refused("INSUFFICIENT_CREDENTIALS")
    if institution.asks_pin and pin is not None and pin not in PINS:
        return _refused("INVALID_CREDENTIALS")
    if username in PERSONAS:
        return _OK
    if username == "user_custom":
        return _check_custom(password)
    return _check_good(password) if username == "user_good" else _refused("INVALID_CREDENTIALS")


def _refused(code: str, message: str | None = None) -> LoginOutcome:
    return LoginOutcome("error", error=KINDS[code].body(message))


def _check_good(password: str) -> LoginOutcome:
    """`user_good`: the password says what happens."""
    if password in {"pass_good", "microdeposits_good", '{"recaptcha":"good"}'}:
        return _OK
    if password.startswith("error_") and password.removeprefix("error_") in KINDS:
        return _refused(password.removeprefix("error_"))
    if password.startswith("{"):
        return _check_recaptcha(password)
    mfa = _mfa(password)
    return LoginOutcome("mfa", mfa=mfa) if mfa else _refused("INVALID_CREDENTIALS")


def _check_recaptcha(password: str) -> LoginOutcome:
    try:
        wanted = json.loads(password).get("recaptcha")
    except ValueError:
        return _refused("INVALID_CREDENTIALS")
    return (
        _OK if wanted == "good" else _refused("RECAPTCHA_BAD" if wanted == "bad" else "INVALID_CREDENTIALS")
    )


def _check_custom(password: str) -> LoginOutcome:
    """`user_custom`: the password is a configuration object, which may force an error or a second step."""
    try:
        config = custom.parse(password)
    except custom.ConfigurationError as error:
        return _refused("INVALID_CREDENTIALS", str(error))
    if config.get("recaptcha") == "bad":
        return _refused("RECAPTCHA_BAD")
    if config.get("force_error") in KINDS:
        return _refused(config["force_error"])
    mfa = _custom_mfa(config.get("mfa"))
    return LoginOutcome("mfa", mfa=mfa) if mfa else _OK


def _mfa(password: str) -> dict[str, Any] | None:
    if password == "mfa_device":  # noqa: S105 (a documented name, no secret)
        return _device()
    if found := _QUESTIONS.fullmatch(password):
        return _questions(int(found[1]), int(found[2]))
    if found := _SELECTIONS.fullmatch(password):
        return _selections(int(found[1]), int(found[2]), int(found[3]))
    if password == "mfa_selections":  # noqa: S105 (a documented name, no secret)
        prompt = {"prompt": "Is this your account?", "options": ["Yes", "No"], "answer": "Yes"}
        return {"type": "selections", "rounds": [[prompt]]}
    return None


def _custom_mfa(wanted: Any) -> dict[str, Any] | None:
    """The second step in a configuration object: {type, question_rounds, questions_per_round, ...}."""
    if not isinstance(wanted, dict):
        return None

    def count(key: str) -> int:
        value = wanted.get(key)
        return min(value, 9) if isinstance(value, int) and value > 0 else 1

    if wanted.get("type") == "device":
        return _device()
    if wanted.get("type") == "questions":
        return _questions(count("question_rounds"), count("questions_per_round"))
    if wanted.get("type") == "selections":
        return _selections(count("selection_rounds"), count("selections_per_question"), 3)
    return None


def _device() -> dict[str, Any]:
    choice = {"prompt": "Where should the code go?", "options": list(_DEVICES), "answer": None}
    return {
        "type": "device",
        "rounds": [[choice], [{"prompt": "Code", "options": None, "answer": DEVICE_CODE}]],
    }


def _questions(rounds: int, questions: int) -> dict[str, Any]:
    """Answers count from 0: answer_<round>_<question>."""
    asked = [
        [
            {
                "prompt": f"What is the answer to question {j} of round {i}?",
                "options": None,
                "answer": f"answer_{i}_{j}",
            }
            for j in range(questions)
        ]
        for i in range(rounds)
    ]
    return {"type": "questions", "rounds": asked}


def _selections(rounds: int, questions: int, options: int) -> dict[str, Any]:
    """Answers count rounds and questions from 1: answer_<round>_<question>_0."""
    asked = [
        [
            {
                "prompt": f"Which is the answer to question {m} of round {n}?",
                "options": [f"answer_{n}_{m}_{o}" for o in range(options)],
                "answer": f"answer_{n}_{m}_0",
            }
            for m in range(1, questions + 1)
        ]
        for n in range(1, rounds + 1)
    ]
    return {"type": "selections", "rounds": asked}


class _Offers:
    """The secrets that ids are derived from, by login: one is offered until an Item takes it, then the next."""

    _KEPT = 20

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_login: OrderedDict[tuple[str, str, str], list[str]] = OrderedDict()

    def current(self, login: tuple[str, str, str]) -> str:
        with self._lock:
            return self._offered(login)[0]

    def take(self, login: tuple[str, str, str]) -> tuple[str, list[str]]:
        """The secret for a new Item, and earlier ones that Link may still be showing."""
        with self._lock:
            offered = self._offered(login)
            offered.insert(0, secrets.token_hex(16))
            del offered[self._KEPT :]
            return offered[1], offered[1:]

    def _offered(self, login: tuple[str, str, str]) -> list[str]:
        offered = self._by_login.setdefault(login, [secrets.token_hex(16)])
        self._by_login.move_to_end(login)
        while len(self._by_login) > 10_000:
            self._by_login.popitem(last=False)
        return offered


_offers = _Offers()


def _described(institution_id: str, username: str, password: str) -> Iterator[Account]:
    """The accounts of a login; which there are does not depend on the simulator's seed."""
    yield from life_of(institution_id, username, password, "").accounts


def accounts(institution_id: str, username: str, password: str) -> list[dict[str, Any]]:
    """The accounts of a login as Link's metadata shows them, with the ids they will have in the next Item."""
    secret = _offers.current((institution_id, username, password))
    return [
        {
            "id": derived_id(secret, account.key),
            "name": account.name,
            "mask": account.mask,
            "type": account.type,
            "subtype": account.subtype,
            "verification_status": None,
            "class_type": None,
        }
        for account in _described(institution_id, username, password)
    ]


def claim(
    institution_id: str, username: str, password: str, selected: list[str] | None
) -> tuple[str, tuple[str, ...] | None]:
    """The secret for an Item's ids and the keys of the selected accounts (None: all).

    If two people linked the same login at once, the ids of the later one differ from those that Link showed.
    ValueError when an id was never shown.
    """
    login = (institution_id, username, password)
    secret, shown = _offers.take(login)
    if selected is None:
        return secret, None
    keys = [account.key for account in _described(*login)]
    for offered in shown:
        by_id = {derived_id(offered, key): key for key in keys}
        if set(selected) <= set(by_id):
            chosen = {by_id[each] for each in selected}
            return secret, tuple(key for key in keys if key in chosen)
    raise ValueError("an account id was not shown for this login")
