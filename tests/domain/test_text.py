"""Text of people and banks: what can be stored, what is one line, and names that are the same name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.text import is_clean_line, isolated, one_line, storable
from domain.usernames import DEMO_USERNAME, username_key


@given(st.text(alphabet=st.characters(categories=None)))
def test_storable_text_is_utf8_without_nul(text):
    kept = storable(text)
    assert "\x00" not in kept
    assert kept.encode("utf-8").decode("utf-8") == kept
    assert storable(kept) == kept


@pytest.mark.parametrize(
    "text", ["Chase", "Crédit Agricole", "بنك", "🏦", "a" * 10_000, "<script>\"'\\", "line\nbreak"]
)
def test_storable_leaves_good_text_alone(text):
    assert storable(text) == text


def test_storable_drops_nul_and_lone_surrogates():
    assert storable("a\x00b\ud800c") == "abc"


@pytest.mark.parametrize(
    "text", ["", "Zoë", "李雷", "שלום", "O'Brien-Smith Jr.", "🦊", "<b>", "a\u200db", "a b"]
)
def test_a_clean_line(text):
    assert is_clean_line(text)


@pytest.mark.parametrize(
    "char",
    ["\n", "\r", "\t", "\x00", "\x1b", "\x7f", "\x85", "\u2028", "\u2029", "\u202e", "\u2066", "\ud800"],
)
def test_not_a_clean_line(char):
    assert not is_clean_line(f"a{char}b")


@pytest.mark.parametrize(
    "one, other",
    [
        ("Alice", "aLICE"),
        ("ﬁnch", "finch"),
        ("ＡＬＩＣＥ", "alice"),
        ("Ångström", "A\u030angstro\u0308m"),
        ("STRASSE", "straße"),
        ("test_user", DEMO_USERNAME),
        ("ＴＥＳＴ＿ＵＳＥＲ", DEMO_USERNAME),
    ],
)
def test_names_that_are_one_name(one, other):
    assert username_key(one) == username_key(other)


@given(st.text(max_size=30))
def test_the_key_of_a_key_is_itself(name):
    assert username_key(username_key(name)) == username_key(name)


def test_different_names_stay_different():
    assert (
        len({username_key(name) for name in ("alice", "alicе", "al1ce", "alice_", "Alice2")}) == 5
    )  # one is Cyrillic


@given(st.text(alphabet=st.characters(categories=None)))
def test_one_line_is_always_a_clean_line(text):
    line = one_line(text)
    assert is_clean_line(line)
    assert one_line(line) == line
    assert line == line.strip()


@pytest.mark.parametrize(
    "text, line",
    [
        ("Plaid Checking", "Plaid Checking"), ("two\nlines", "two lines"), ("a\u2028b\u2029c\td", "a b c d"),
        ("abc\u202edcba", "abcdcba"), ("\u2067בנק\u2069", "בנק"), ("a\x00b\ud800", "ab"),  (" \r\n ", ""),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("{{7*7}}", "{{7*7}}"), ("🏦\u200d🏦", "🏦\u200d🏦"),
    ],
)  # fmt: skip
def test_one_line(text, line):
    assert one_line(text) == line


def test_a_name_in_a_sentence_keeps_to_itself():
    assert isolated("Chase") == "Chase"
    assert isolated("בנק") == "\u2068בנק\u2069"
