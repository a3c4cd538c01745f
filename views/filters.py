"""What templates say about money and time."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Flask

from domain import money, phones, wording


def register(app: Flask) -> None:
    filters = app.jinja_env.filters
    filters["money"] = money.format_money
    filters["exactly"] = money.format_exactly
    filters["money_parts"] = money.money_parts
    filters["tone"] = money.tone_of
    filters["ago"] = lambda moment: wording.ago(moment, datetime.now(UTC))
    filters["local"] = lambda moment, zone: wording.local_moment(moment, datetime.now(UTC), zone)
    filters["month_words"] = wording.month_words
    filters["day_words"] = wording.day_words
    filters["first_up"] = lambda text: text[:1].upper() + text[1:]
    filters["pretty_phone"] = phones.pretty
