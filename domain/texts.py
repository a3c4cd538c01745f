"""The words of a text. Frozen when it is written: a second try sends the same words.

Amounts are in the account's currency; everything is GSM-7, one segment wherever it can be.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from domain.money import format_money
from domain.segments import cut_words, gsm_safe, segments, septets

OPT_OUT_LINE = "Reply STOP to opt out."
NAME_SEPTETS = 40
"""An account's name is cut here at the latest, whatever room there would be."""
SHORTEST_NAME = 12
ONE_SEGMENT = 160


@dataclass(frozen=True, slots=True)
class BudgetNews:
    """What a budget text tells: amounts in `currency`; `as_of` when the bank's numbers are not today's."""

    account_name: str
    spent: Decimal
    threshold: Decimal
    currency: str | None
    as_of: date | None = None


def budget_text(news: BudgetNews, *, opt_out_line: bool) -> str:
    """'CashView: you have spent $212.40 of your $400.00 budget for Plaid Checking this month.'

    The name gives way until the text is one segment, down to 12 characters; whole words where possible.
    """
    tail = f" {OPT_OUT_LINE}" if opt_out_line else ""
    frame = _sentence(news, "") + tail
    room = ONE_SEGMENT - sum(septets(char) for char in frame)
    limit = min(NAME_SEPTETS, max(SHORTEST_NAME, room))
    name = cut_words(gsm_safe(news.account_name), limit) or "your account"
    return _sentence(news, name) + tail


def _sentence(news: BudgetNews, name: str) -> str:
    spent, threshold = _money(news.spent, news.currency), _money(news.threshold, news.currency)
    when = "you have" if news.as_of is None else f"as of {news.as_of:%b} {news.as_of.day} you had"
    return f"CashView: {when} spent {spent} of your {threshold} budget for {name} this month."


def _money(amount: Decimal, currency: str | None) -> str:
    """'$212.40'; a symbol that phones have not got gives way to the code: 'INR 212.40'."""
    text = gsm_safe(format_money(amount, currency))
    return text if "?" not in text else f"{gsm_safe(currency or '')} {amount:,.2f}"


def code_text(code: str) -> str:
    """The text that carries a verification code."""
    return f"CashView: your code is {code}. It works for 10 minutes. Never share it."


def fingerprint(body: str) -> str:
    """What two texts about the same tracker on one day have in common, whatever the amounts: its words."""
    words = re.sub(r"as of \w+ \d+ you had", "you have", body.removesuffix(OPT_OUT_LINE).strip())
    # How much of a long name fits depends on the amounts, so only its beginning counts: two names that begin alike
    # may be taken for one, and a text left out is better than one sent twice.
    short = re.sub(rf"budget for (.{{1,{SHORTEST_NAME}}}).* this month\.", r"budget for \1", words)
    return re.sub(r"[\d.,]+", "#", short)


def is_one_segment(body: str) -> bool:
    return segments(body) == 1
