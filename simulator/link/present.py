"""What the frame is told: institutions, forms and second steps as JSON, every text to be shown as text."""

from __future__ import annotations

import re
from typing import Any, TypedDict
from urllib.parse import urlsplit

from simulator.institutions import Institution

_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_FALLBACK_COLOR = "#0b6b5b"
_DARK_INK, _LIGHT_INK = "#16211f", "#ffffff"
_LIGHT = 0.4
_ENOUGH = 4.5


class Field(TypedDict, total=False):
    """One thing to fill in; with `options` a choice, otherwise a text field."""

    name: str
    label: str
    missing: str
    secret: bool
    numeric: bool
    options: list[str]


def institution(shown: Institution) -> dict[str, Any]:
    """An institution for the list and the tiles: name, host of its site, logo or initials on its colour."""
    color = shown.primary_color if _COLOR.fullmatch(shown.primary_color or "") else _FALLBACK_COLOR
    background, ink = _tile(color)
    logo = f"/link/institutions/{shown.institution_id}/logo.png" if shown.logo_png else None
    return {
        "institution_id": shown.institution_id,
        "name": shown.name,
        "host": (urlsplit(shown.url or "").hostname or "").removeprefix("www."),
        "oauth": bool(shown.oauth),
        "logo": logo,
        "initials": initials(shown.name),
        "color": background,
        "ink": ink,
    }


def initials(name: str) -> str:
    """The first letters of the first two words that begin with a letter or digit."""
    words = [word for word in re.split(r"[\s\-]+", name) if word[:1].isalnum()]
    return "".join(word[0] for word in words[:2]).upper() or "?"


def _tile(color: str) -> tuple[str, str]:
    """Background and ink of a tile, at least 4.5:1 (WCAG 2.2): dark ink on a light colour, else white on it.

    A colour of the middle is darkened until white can be read on it; to the eye it stays the bank's colour.
    """
    channels = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
    if _luminance(channels) > _LIGHT:
        return color, _DARK_INK
    while 1.05 / (_luminance(channels) + 0.05) < _ENOUGH:
        channels = [int(channel * 0.95) for channel in channels]
    return "#{:02x}{:02x}{:02x}".format(*channels), _LIGHT_INK


def _luminance(channels: list[int]) -> float:
    """Relative luminance of an sRGB colour, 0 black to 1 white (WCAG 2.2)."""
    shares = [channel / 255 for channel in channels]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def credential_fields(asks_pin: bool) -> list[Field]:
    """Username and password, and a PIN where the institution wants one."""
    fields: list[Field] = [
        {"name": "username", "label": "Username", "missing": "Enter your username."},
        {"name": "password", "label": "Password", "missing": "Enter your password.", "secret": True},
    ]
    if asks_pin:
        fields.append({"name": "pin", "label": "PIN", "missing": "Enter your PIN.", "secret": True})
    return fields


def credential_hint(asks_pin: bool) -> str:
    pin = ", PIN `1234`" if asks_pin else ""
    return f"Simulated bank. Sign in with `user_good` and `pass_good`{pin}."


_MFA_WORDS = {
    "device": ("Where should the code go?", "{name} sends a one-time code to confirm that it is you."),
    "code": ("Enter your code", "{name} has sent a one-time code."),
    "questions": ("Answer a few questions", "{name} wants to make sure that it is you."),
    "selections": ("Choose your answers", "{name} wants to make sure that it is you."),
}
_MFA_MISSING = {
    "device": "Choose where to send the code.",
    "code": "Enter the code.",
    "questions": "Enter an answer.",
    "selections": "Choose an answer.",
}


def mfa_kind(mfa_type: str, round_: list[dict[str, Any]]) -> str:
    """Plaid's event word for a round: a device step is first the choice of a device, then its code."""
    if mfa_type != "device":
        return mfa_type
    return "device" if round_[0].get("options") else "code"


def mfa_step(mfa_type: str, round_: list[dict[str, Any]], institution_name: str) -> dict[str, Any]:
    """One round of the second step, as a form."""
    kind = mfa_kind(mfa_type, round_)
    title, lead = _MFA_WORDS[kind]
    return {
        "step": "mfa",
        "mfa_type": kind,
        "title": title,
        "lead": lead.format(name=institution_name),
        "fields": [_mfa_field(kind, index, prompt) for index, prompt in enumerate(round_)],
        "hint": _mfa_hint(kind, round_),
    }


def _mfa_field(kind: str, index: int, prompt: dict[str, Any]) -> Field:
    fields: Field = {"name": f"answer-{index}", "label": prompt["prompt"], "missing": _MFA_MISSING[kind]}
    if prompt.get("options"):
        fields["options"] = list(prompt["options"])
    elif kind == "code":
        fields["numeric"] = True
    return fields


def _mfa_hint(kind: str, round_: list[dict[str, Any]]) -> str:
    """In a simulation nobody can know the answer, so the form tells it."""
    if kind == "device":
        return "Simulated bank. Any device will do."
    answers = " and ".join(f"`{prompt['answer']}`" for prompt in round_)
    return (
        f"Simulated bank. The answer is {answers}."
        if len(round_) == 1
        else f"Simulated bank. The answers: {answers}."
    )


_ACRONYMS = frozenset(
    {"cd", "hsa", "ira", "isa", "ebt", "gic", "rrsp", "tfsa", "ugma", "utma", "sep", "resp"}
)


def account(shown: dict[str, Any]) -> dict[str, Any]:
    """An account for the list of choices: id, name, and a line such as "Credit card ··3333"."""
    words = str(shown["subtype"] or shown["type"]).split(" ")
    kind = " ".join(word.upper() if word in _ACRONYMS else word for word in words)
    mask = f" ··{shown['mask']}" if shown["mask"] else ""
    kind = f"{kind[:1].upper()}{kind[1:]}{mask}"
    return {"id": shown["id"], "name": shown["name"], "kind": kind, "ticked": shown.get("ticked", True)}


def summary(accounts: int, institution_name: str, client_name: str) -> str:
    """The sentence of the last pane."""
    what = "1 account" if accounts == 1 else f"{accounts} accounts"
    return f"{what} at {institution_name} can now be seen by {client_name}."


def success_metadata(
    chosen: Institution, accounts: list[dict[str, Any]], link_session_id: str
) -> dict[str, Any]:
    """onSuccess' second argument. `account`, deprecated, is filled only when a single one was chosen."""
    only = accounts[0] if len(accounts) == 1 else None
    keys = ("id", "name", "mask", "type", "subtype", "verification_status", "class_type")
    return {
        "institution": {"name": chosen.name, "institution_id": chosen.institution_id},
        "accounts": accounts,
        "account": only or dict.fromkeys(keys),
        "account_id": only["id"] if only else None,
        "link_session_id": link_session_id,
        "transfer_status": None,
    }
