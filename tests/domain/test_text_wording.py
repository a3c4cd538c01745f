"""Words for what became of a text: every status, reason and code has a kind one, and no code is ever shown."""

from __future__ import annotations

import re

import pytest

from domain.consent import CURRENT, WORDINGS, wording
from domain.delivery import MEANINGS
from domain.text_wording import number_problem, outcome
from models import TEXT_STATUSES
from services import text_rules

OUR_WORDS = [
    value
    for name, value in vars(text_rules).items()
    if name.isupper() and isinstance(value, str) and name != "PRODUCTION"
]
CODES = [None, "", *MEANINGS, "99999", "20003", "TRANSPORT_ReadTimeout", "HTTP_502", "INVALID_RESPONSE"]


@pytest.mark.parametrize("status", TEXT_STATUSES)
def test_every_text_has_a_sentence_without_codes(status):
    for reason in [*OUR_WORDS, *CODES]:
        told = outcome(status, reason)
        assert told.label
        assert told.tone in ("ok", "warn", "bad", "busy")
        assert told.sentence.endswith(".")
        assert not re.search(r"\d{3}|_|None|error", told.sentence)


def test_unknown_says_that_it_may_have_arrived_and_is_not_sent_again():
    sentence = outcome("unknown", "TRANSPORT_ReadTimeout").sentence
    assert "may have arrived" in sentence
    assert "never sent a second time" in sentence


@pytest.mark.parametrize(
    "reason",
    [reason for reason in OUR_WORDS if reason not in ("unreadable", "internal", "worker_died", "not_taken")],
)
def test_every_reason_for_skipping_is_told_apart(reason):
    assert outcome("skipped", reason).sentence != outcome("skipped", "of tomorrow").sentence


@pytest.mark.parametrize(
    "code, words",
    [
        ("30003", "out of reach"),
        ("30006", "cannot get texts"),
        ("21610", "STOP"),
        ("30007", "spam"),
        ("30034", "set up"),
    ],
)
def test_what_a_delivery_code_means(code, words):
    assert words in outcome("failed", code).sentence


@pytest.mark.parametrize("code", ["30003", "21211", "21635", "40000"])
def test_a_paused_number_says_what_to_do(code):
    assert "verify it once more" in number_problem(code)


def test_the_consent_says_what_carriers_ask_for():
    for words in ("CashView", "up to one text per budget tracker per day", "Message and data rates may apply",
                  "Reply STOP to opt out", "HELP for help"):  # fmt: skip
        assert words in wording()
    assert CURRENT in WORDINGS
    assert all(len(version) <= 16 for version in WORDINGS)
