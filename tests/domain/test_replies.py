"""What a reply asks for: stopping in any reasonable wording, starting only in the vendor's words."""

from __future__ import annotations

import pytest

from domain.replies import Reply, read

STOPPING = [
    "STOP", "stop", " Stop ", "Stop!!", "stop.", "STOPALL", "unsubscribe", "UNSUBSCRIBE me", "End", "QUIT", "cancel",
    "Revoke", "OPTOUT", "opt out", "Opt-Out", "opt  out please", "please stop", "Please STOP texting me", "stop please",
    "STOP PLEASE", "pls stop", "can you stop", "no stop", "just stop", "i want to opt out", "please opt me out",
    "take me off this list", "remove me", "remove my number", "don't text me", "Don’t text me again",
    "do not message me anymore", "no more texts", "I no longer want these texts", "leave me alone", "wrong number",
    "stop sending me these", "quit texting me", "make it stop", "ARRÊT", "ＳＴＯＰ", "«stop»", "stop 🛑", "st\u200bop",
    "\nSTOP\n\nSent from my phone", "yes please stop",
]  # fmt: skip
STARTING = ["START", "start", "Start!", "YES", "yes.", "UNSTOP", "Yes please", "start please", "ok start"]
HELPING = ["HELP", "help", "Help?", "INFO", "help please"]
NEITHER = [
    "", " ", "!!", "thanks", "ok", "please", "hello", "how much did I spend", "don't stop", "please do not stop these",
    "never stop", "the bus stop is where I spent it and that was the last", "yes I saw it", "starting tomorrow",
    "information", "why is my weekend budget so low", "1", "👍", "\x00", "stopwatch", "pending", "x" * 20_000,
]  # fmt: skip


@pytest.mark.parametrize("body", STOPPING)
def test_stop_in_any_reasonable_wording(body):
    assert read(body) is Reply.STOP


@pytest.mark.parametrize("body", STARTING)
def test_start(body):
    assert read(body) is Reply.START


@pytest.mark.parametrize("body", HELPING)
def test_help(body):
    assert read(body) is Reply.HELP


@pytest.mark.parametrize("body", NEITHER, ids=lambda body: repr(body[:30]))
def test_anything_else_is_nothing(body):
    assert read(body) is None


@pytest.mark.parametrize(
    "keyword, asked", [("STOP", Reply.STOP), ("start", Reply.START), (" HELP ", Reply.HELP)]
)
def test_the_vendors_own_reading_goes_first(keyword, asked):
    for body in ("STOP", "START", "HELP", "bonjour"):
        assert read(body, keyword) is asked


@pytest.mark.parametrize("keyword", [None, "", "NONE", "STOPPED"])
def test_without_it_the_words_count(keyword):
    assert read("stop", keyword) is Reply.STOP


@pytest.mark.parametrize(
    "body",
    ["You never stop texting me, unsubscribe", "do not stop? STOP", "Stop don't stop", "S.T.O.P."],
)
def test_a_stop_beside_other_words_is_still_a_stop(body):
    assert read(body) is Reply.STOP
