"""News of a text in every order ends in the same place; every code of a report means one thing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.delivery import MEANINGS, RANK, Meaning, is_final, meaning, moves_on, our_status

ENDS = ["delivered", "undelivered", "failed", "canceled", "read", "partially_delivered"]
WAY = ["accepted", "scheduled", "queued", "sending", "sent"]


def after(*news: str) -> str | None:
    """What is known after this news, in this order."""
    known = None
    for word in news:
        known = word if moves_on(known, word) else known
    return known


@pytest.mark.parametrize(
    "news, known",
    [
        (["queued", "sent", "delivered"], "delivered"),
        (["delivered", "sent"], "delivered"),
        (["delivered", "delivered", "queued"], "delivered"),
        (["undelivered", "delivered"], "undelivered"),
        (["sent", "sending"], "sent"),
        (["accepted", "queued", "accepted"], "queued"),
        (["canceled", "sent"], "canceled"),
        (["sent", "exploded", "", "SENT"], "sent"),
        (["receiving", "received"], None),
    ],
)
def test_news_never_moves_back(news, known):
    assert after(*news) == known


@given(st.lists(st.sampled_from([*RANK, "nonsense"]), max_size=12))
def test_the_furthest_news_wins_in_whatever_order_it_comes(news):
    ranks = [RANK[word] for word in news if word in RANK]
    known = after(*news)
    assert (known is None) == (not ranks)
    if known is not None:
        assert RANK[known] == max(ranks)
        assert known == next(word for word in news if RANK.get(word) == max(ranks))


def test_every_word_of_the_vendor_is_one_of_ours():
    assert {word: our_status(word) for word in WAY} == dict.fromkeys(WAY, "sent")
    assert [our_status(word) for word in ENDS] == [
        "delivered", "failed", "failed", "failed", "delivered", "delivered",
    ]  # fmt: skip
    assert our_status("exploded") is None
    assert RANK.keys() == {*WAY, *ENDS}


def test_only_the_last_words_are_final():
    assert [word for word in RANK if is_final(word)] == [word for word in RANK if word in ENDS]
    assert not is_final(None)


# Every row of the table of codes that callbacks carry.
CODES = [
    ("30001", Meaning.SLOW),
    ("30002", Meaning.CONFIG),
    ("30003", Meaning.SOFT),
    ("30004", Meaning.NUMBER),
    ("30005", Meaning.NUMBER),
    ("30006", Meaning.NUMBER),
    ("30007", Meaning.CONTENT),
    ("30008", Meaning.AMBIGUOUS),
    ("30022", Meaning.SLOW),
    ("30023", Meaning.SLOW),
    ("30034", Meaning.CONFIG),
    ("30036", Meaning.STALE),
    ("30047", Meaning.RETRY_ONCE),
    ("21610", Meaning.OPTED_OUT),
    ("21608", Meaning.UNVERIFIED),
    ("572005", Meaning.UNVERIFIED),
    ("21211", Meaning.NUMBER),
    ("21408", Meaning.NUMBER),
    ("21612", Meaning.NUMBER),
    ("21614", Meaning.NUMBER),
    ("21265", Meaning.NUMBER),
    ("21266", Meaning.NUMBER),
    ("21635", Meaning.NUMBER),
    ("21606", Meaning.CONFIG),
    ("21703", Meaning.CONFIG),
    # Without a code, or with one of tomorrow: never again.
    (" 30007 ", Meaning.CONTENT),
    ("39999", Meaning.AMBIGUOUS),
    ("", Meaning.AMBIGUOUS),
    ("0", Meaning.AMBIGUOUS),
    (None, Meaning.AMBIGUOUS),
]


@pytest.mark.parametrize("code, means", CODES)
def test_a_code_means_one_thing(code, means):
    assert meaning(code) is means


def test_the_table_of_this_test_knows_every_code():
    assert MEANINGS.keys() <= {code for code, _ in CODES}
