"""What the switchboard shows: switches, Items and webhooks in words."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from simulator import watched
from simulator.errors import KINDS
from simulator.institutions import catalogue
from simulator.plaid import shown
from simulator.records import Item
from simulator.scenarios.model import bank_name
from simulator.state import State
from simulator.switches import AT_THE_BANK, CHANGES, EVERYWHERE, WEBHOOKS, Switch, Target
from simulator.twilio import words

MOST_ITEMS, MOST_WEBHOOKS = 24, 12

KINDS_IN_WORDS = {
    "error": "Refuse with an error code",
    "latency": "Answer late",
    "hang": "Never answer (hang)",
    "drop": "Drop the connection",
    "http_500": "Answer HTTP 500",
    "html": "Answer HTML in place of JSON",
    "truncated": "Cut the JSON short",
    "mutation": "Change the history between two pages",
    "account_appears": "Show a new account",
    "account_vanishes": "Hide an account",
    "balance_unknown": "Not say a balance",
    "webhook_twice": "Send webhooks twice",
    "webhook_after_next": "Send a webhook after the next one",
    "webhook_lost": "Never send webhooks",
    "webhook_retry": "Repeat unanswered webhooks soon",
}
_DONE = {
    "hang": "Never answers",
    "drop": "Drops the connection",
    "http_500": "Answers HTTP 500",
    "html": "Answers HTML in place of JSON",
    "truncated": "Cuts the JSON short",
    "mutation": "Changes the history between two pages",
    "account_appears": "Shows a new account",
    "account_vanishes": "Hides an account",
    "balance_unknown": "Does not say a balance",
    "webhook_twice": "Sends webhooks twice",
    "webhook_after_next": "Sends a webhook after the next one",
    "webhook_lost": "Never sends webhooks",
}


# Switches


def switch_words(switch: Switch, state: State) -> dict[str, str]:
    """A switch that is on: `what` it does, `where`, and how long it `lasts`."""
    return {
        "id": switch.id,
        "what": _what(switch),
        "where": f"{_who(switch, state)}, {_endpoint(switch)}" if _endpoint(switch) else _who(switch, state),
        "lasts": _lasts(switch, state.clock.now()),
    }


def _what(switch: Switch) -> str:
    if switch.vendor is not None:
        what = words.what(switch)
    elif switch.kind == "error":
        what = f"Refuses with {switch.code}"
    elif switch.kind == "latency":
        what = f"Answers {switch.milliseconds / 1000:g} s late"
    elif switch.kind == "webhook_retry":
        what = f"Repeats webhooks that were not answered 200 after {switch.milliseconds / 1000:g} s"
    else:
        what = _DONE[switch.kind]
    return f"{what}, after doing the work" if switch.after else what


def _who(switch: Switch, state: State) -> str:
    if switch.vendor is not None:
        return words.who(switch)
    if switch.item_id is not None:
        item = next((each for each in state.live_items() if each.item_id == switch.item_id), None)
        name = bank_name(item.institution_id) if item else "An Item that is gone"
        return f"{name} (Item …{switch.item_id[-6:]})"
    return bank_name(switch.institution_id) if switch.institution_id else "Everybody"


def _endpoint(switch: Switch) -> str:
    if switch.vendor is not None:
        return words.where(switch)
    if switch.kind in CHANGES | WEBHOOKS:
        return ""
    usual = {EVERYWHERE: "on every endpoint", AT_THE_BANK: "where the bank is needed"}
    return usual.get(switch.endpoint, f"on {switch.endpoint}")


def _lasts(switch: Switch, now: datetime) -> str:
    parts = []
    if switch.times is not None:
        parts.append("once" if switch.times == 1 else f"{switch.times} more times")
    if switch.until is not None:
        parts.append(f"for {_span(datetime.fromisoformat(switch.until) - now)} more")
    return ", ".join(parts) or "until lifted"


def _span(time: timedelta) -> str:
    """A length of time in its largest sensible unit, never less than a minute."""
    minutes = max(1, round(time.total_seconds() / 60))
    if minutes < 120:
        return "a minute" if minutes == 1 else f"{minutes} minutes"
    hours = round(minutes / 60)
    return f"{hours} hours" if hours < 48 else f"{round(hours / 24)} days"


# Items


def items(state: State) -> list[Item]:
    """The linked ones, newest first."""
    return sorted(state.live_items(), key=lambda each: each.created_at, reverse=True)


def item_words(item: Item, state: State) -> dict[str, Any]:
    """An Item: its bank, how it is, and what is under way."""
    institution = catalogue.get(item.institution_id)
    label, tone = _state(item, state)
    return {
        "item_id": item.item_id,
        "name": bank_name(item.institution_id),
        "institution_id": item.institution_id,
        "has_logo": bool(institution and institution.logo_png),
        "environment": item.environment,
        "label": label,
        "tone": tone,
        "linked": _ago(item.created_at, state.clock.now()),
        "accounts": len(shown.accounts(state, item)),
        "pending": [each.merchant.descriptor for each in _pending(item)],
        "webhook": item.webhook,
    }


def _state(item: Item, state: State) -> tuple[str, str]:
    """How a call for an Item would fare, with its tone: the Item's own error, one that a switch gives, or healthy."""
    target = Target(item.institution_id, item.item_id)
    code = item.error_code or next(
        (
            each.code or each.kind
            for each in state.switches.find(
                {"error", "http_500", "html", "hang", "drop"}, "/accounts/get", target
            )
        ),
        None,
    )
    if code is not None:
        return _STATES.get(code, code.replace("_", " ").capitalize() if code not in KINDS else code), "bad"
    return (
        ("Slow", "warn") if state.switches.find({"latency"}, "/accounts/get", target) else ("Healthy", "good")
    )


_STATES = {
    "ITEM_LOGIN_REQUIRED": "Asks to sign in again",
    "INSTITUTION_DOWN": "Down",
    "USER_PERMISSION_REVOKED": "Access withdrawn",
    "http_500": "Answers HTTP 500",
    "html": "Answers HTML",
    "hang": "Hangs",
    "drop": "Drops connections",
}


def _pending(item: Item) -> list[watched.Purchase]:
    return [each for each in watched.PURCHASES if watched.pending_segment(item.segments, each)]


def _ago(iso: str, now: datetime) -> str:
    age = now - datetime.fromisoformat(iso)
    return "just now" if age < timedelta(minutes=1) else f"{_span(age)} ago"


def item_choices(state: State) -> list[tuple[str, str]]:
    """Item ids with what tells them apart, newest first."""
    now = state.clock.now()
    return [
        (
            each.item_id,
            f"{bank_name(each.institution_id)}, linked {_ago(each.created_at, now)} (…{each.item_id[-6:]})",
        )
        for each in items(state)[:MOST_ITEMS]
    ]


# Webhooks


def webhook_words(state: State) -> list[dict[str, str]]:
    """The last webhooks and what became of them, newest first."""
    now, names = (
        state.clock.now(),
        {each.item_id: bank_name(each.institution_id) for each in state.live_items()},
    )
    return [
        {
            "what": f"{each['webhook_type']} {each['webhook_code']}",
            "who": names.get(each["item_id"], f"Item …{each['item_id'][-6:]}"),
            "when": _ago(each["sent_at"], now),
            "outcome": _outcome(each["outcome"]),
        }
        for each in state.webhooks.recent()[:MOST_WEBHOOKS]
    ]


def _outcome(outcome: int | str) -> str:
    if isinstance(outcome, int):
        return f"answered {outcome}"
    return _UNDELIVERED.get(outcome, f"not delivered ({outcome})")


_UNDELIVERED = {
    "waiting": "on its way",
    "lost": "lost, as a switch wants",
    "ConnectionRefusedError": "not delivered: nobody listens there",
    "TimeoutError": "not delivered: no answer in time",
}


def codes_by_type() -> dict[str, list[str]]:
    """Plaid's error codes by their type, in alphabetical order."""
    types: dict[str, list[str]] = {}
    for code in sorted(KINDS):
        types.setdefault(KINDS[code].type, []).append(code)
    return dict(sorted(types.items()))
