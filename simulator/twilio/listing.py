"""Listing texts: filters and pages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from simulator.twilio.answers import message
from simulator.twilio.errors import TwilioError
from simulator.twilio.numbers import normalised
from simulator.twilio.texts import Text

USUAL_PAGE, LARGEST_PAGE = 50, 1000
_FILTERS = ("To", "From", "DateSent", "DateSent<", "DateSent>")
_DAY = timedelta(days=1)


def page(texts: list[Text], query: Mapping[str, str], account_sid: str) -> dict[str, Any]:
    """One page of the texts that the query asks for, newest first. TwilioError when it makes no sense.

    A page begins after the text that its token names, so texts that come meanwhile move nothing.
    """
    size, number = _size(query.get("PageSize")), _whole(query.get("Page"), 0)
    found = [text for text in reversed(texts) if _wanted(text, query)]
    token = query.get("PageToken")
    rest = found if token is None else [text for text in found if text.serial < _serial(token)]
    shown, more = rest[:size], len(rest) > size
    kept = {name: query[name] for name in _FILTERS if name in query} | {"PageSize": str(size)}
    base = f"/2010-04-01/Accounts/{account_sid}/Messages.json"

    def uri(at: int, after: Text | None = None) -> str:
        token = {} if after is None else {"PageToken": f"PASM{after.serial:032x}"}
        return f"{base}?{urlencode(kept | {'Page': str(at)} | token)}"

    start = number * size
    return {
        "messages": [message(text, account_sid) for text in shown],
        "start": start,
        "end": start + max(len(shown) - 1, 0),
        "page": number,
        "page_size": size,
        "uri": f"{base}?{urlencode(kept | {'Page': str(number)})}",
        "first_page_uri": uri(0),
        "previous_page_uri": uri(number - 1) if number else None,
        "next_page_uri": uri(number + 1, shown[-1]) if more else None,
    }


def _size(given: str | None) -> int:
    size = _whole(given, USUAL_PAGE)
    if size > LARGEST_PAGE:
        raise TwilioError(20007)
    if size < 1:
        raise TwilioError(20001, "PageSize must be a whole number from 1 to 1000")
    return size


def _whole(given: str | None, default: int) -> int:
    if not given:
        return default
    if not re.fullmatch(r"\d{1,9}", given):
        raise TwilioError(20001, "PageSize and Page must be whole numbers")
    return int(given)


def _serial(token: str) -> int:
    found = re.fullmatch(r"PASM([0-9a-f]{32})", token)
    if found is None:
        raise TwilioError(20001, "PageToken is invalid")
    return int(found[1], 16)


def _wanted(text: Text, query: Mapping[str, str]) -> bool:
    for name, number in (("To", text.to), ("From", text.sender)):
        if query.get(name) and normalised(query[name]) != number:
            return False
    dates = [(name[8:], query[name]) for name in query if name.startswith("DateSent") and query[name]]
    return all(_in_time(text, comparison.rstrip("="), given) for comparison, given in dates)


def _in_time(text: Text, comparison: str, given: str) -> bool:
    """Whether a text was sent on that day (GMT), which a moment stands for too; with > or <, from or up to then."""
    first, after = _span(given)
    if text.sent_at is None:
        return False
    sent = datetime.fromisoformat(text.sent_at)
    same_day = sent.date() == first.astimezone(UTC).date()
    return {"": same_day, ">": first <= sent, "<": sent < after}.get(comparison, True)


def _span(given: str) -> tuple[datetime, datetime]:
    """The first moment meant and the first one after it; a moment lasts a second, as dates are told in seconds."""
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        raise TwilioError(20001, "DateSent must be a date such as 2026-01-31") from None
    moment = moment.replace(tzinfo=moment.tzinfo or UTC)
    lasts = _DAY if re.fullmatch(r"\d{4}-?\d\d-?\d\d", given) else timedelta(seconds=1)
    return moment, moment + lasts
