"""How many segments a text costs, and names that keep it at one."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.segments import BASIC, EXTENSION, cut_words, gsm_safe, is_gsm, segments, septets

ANY = st.text(alphabet=st.characters(categories=None), max_size=80)
GSM = st.text(alphabet=sorted(BASIC | EXTENSION), max_size=400)


def test_the_alphabet_is_whole():
    """127 characters (the 128th place is the escape) and ten behind the escape."""
    assert (len(BASIC), len(EXTENSION)) == (127, 10)
    assert not BASIC & EXTENSION
    assert not {"`", "ç", "‘", "’", "—", "−", "\xa0", "\x1b", "\t"} & (BASIC | EXTENSION)


@pytest.mark.parametrize(
    "body, count",
    [
        ("", 0),
        ("a", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("a" * 158 + "€", 1),
        ("a" * 159 + "€", 2),
        ("{" * 80, 1),
        ("{" * 81, 2),
        ("a" * 152 + "€" + "a" * 151, 2),  # the sign does not fit into the first 153, which end with 152
        ("a" * 152 + "€" + "a" * 152, 3),
        ("’" * 70, 1),
        ("’" * 71, 2),
        ("’" * 134, 2),
        ("’" * 135, 3),
        ("👍" * 35, 1),
        ("👍" * 36, 2),
        ("👍" * 66, 2),
        ("👍" * 67, 3),  # 33 of them fit into 67 units
        ("a" * 70 + "—", 2),
        ("é" * 160, 1),
        ("ç" * 71, 2),
        ("$" * 160, 1),
    ],
)
def test_segments(body, count):
    assert segments(body) == count


@given(GSM)
def test_segments_of_gsm_text_are_within_what_septets_allow(body):
    total = sum(septets(char) for char in body)
    if total <= 160:
        assert segments(body) == (1 if body else 0)
    else:
        assert -(-total // 153) <= segments(body) <= -(-total // 152)


@given(ANY, ANY)
def test_more_text_never_costs_less(one, more):
    assert segments(one) <= segments(one + more)


@pytest.mark.parametrize(
    "text, safe",
    [
        ("Plaid Checking", "Plaid Checking"),
        ("“Zoë’s” ‘account’", "\"Zoe's\" 'account'"),
        ("Everyday — Savings – 2", "Everyday - Savings - 2"),
        ("−5", "-5"),
        ("a\xa0b\u202fc\u2009d", "a b c d"),
        ("a\tb\nc\r\nd\u2028e", "a b c d e"),
        ("a\x00b\x1bc\x7fd\u200be", "abcde"),
        ("\u202eabc\u2066d\u2069", "abcd"),
        ("Crédit Agricole à Genève", "Crédit Agricole à Genève"),
        ("Cre\u0301dit", "Crédit"),
        ("François Łódź Ångström Škoda", "Francois Lodz Ångström Skoda"),
        ("Œuvre Straße STRAẞE Þór", "OEuvre Straße STRAßE Thor"),
        ("½ off ﬁne ＡＢＣ ™ № …", "1/2 off fine ABC TM No ..."),
        ("x\u030ca", "xa"),
        ("`tick´", "'tick'"),
        ("© 2026 ®", "(c) 2026 (R)"),
        ("李雷", "??"),
        ("Ж и ק", "? ? ?"),
        ("한", "?"),
        ("₹5 €5 £5 ¥5", "?5 €5 £5 ¥5"),
        ("My 🏦 bank 👨‍👩‍👧 👍🏽 🇺🇸 ❤️", "My bank"),
        ("1️⃣ first", "1 first"),
        ("\ud83d lone \udc4d", "lone"),
        ("  spaced   out  ", "spaced out"),
        ("{[^~|\\]}", "{[^~|\\]}"),
        ("", ""),
        ("🏦", ""),
    ],
)
def test_gsm_safe(text, safe):
    assert gsm_safe(text) == safe


@given(ANY)
def test_gsm_safe_text_is_one_line_of_gsm_and_stays_as_it_is(text):
    safe = gsm_safe(text)
    assert is_gsm(safe)
    assert gsm_safe(safe) == safe
    assert safe == " ".join(safe.split())


@given(st.text(alphabet=sorted((BASIC | EXTENSION) - set("\n\r\f")), max_size=80))
def test_gsm_safe_changes_nothing_but_spaces_in_gsm_text(text):
    assert gsm_safe(text) == " ".join(text.split())


@given(ANY)
def test_gsm_safe_is_the_same_for_composed_and_decomposed_letters(text):
    assert gsm_safe(unicodedata.normalize("NFD", text)) == gsm_safe(unicodedata.normalize("NFC", text))


@pytest.mark.parametrize(
    "text, limit, cut",
    [
        ("Plaid Checking", 14, "Plaid Checking"),
        ("Plaid Checking", 13, "Plaid"),
        ("Plaid Checking", 6, "Plaid"),
        ("Plaid Checking", 5, "Plaid"),
        ("Plaid Checking", 4, "Plai"),
        ("Plaid Gold Standard 0% Interest Checking", 20, "Plaid Gold Standard"),
        ("Plaid  Checking", 7, "Plaid"),
        ("  Plaid Checking  ", 14, "Plaid Checking"),
        ("[one] two", 7, "[one]"),
        ("[one] two", 6, "[one"),
        ("€€€", 5, "€€"),
        ("€€€", 1, ""),
        ("Checking", 0, ""),
        ("Checking", -1, ""),
        ("", 5, ""),
        ("e\u0301e\u0301", 3, "e\u0301"),
        ("e\u0301e\u0301", 1, ""),
        ("👍👍", 3, "👍"),
        ("👍🏽👍🏽", 7, "👍🏽"),
        ("👨‍👩‍👧x", 7, ""),
        ("👨‍👩‍👧x", 8, "👨‍👩‍👧"),
    ],
)
def test_cut_words(text, limit, cut):
    assert cut_words(text, limit) == cut


@given(ANY, st.integers(0, 60))
def test_a_cut_is_a_beginning_that_fits(text, limit):
    cut = cut_words(text, limit)
    assert text.strip().startswith(cut)
    assert sum(septets(char) for char in cut) <= limit
    assert cut == cut.strip()


@given(ANY, st.integers(0, 60))
def test_a_cut_ends_a_word_or_is_within_the_first(text, limit):
    whole, cut = text.strip(), cut_words(text, limit)
    rest = whole[len(cut) :]
    if rest and not rest[0].isspace():
        assert len(cut.split()) <= 1
    assert not rest or unicodedata.category(rest[0])[0] != "M"


@given(st.lists(st.text("abcdefgh", min_size=1, max_size=6), min_size=1, max_size=12), st.integers(6, 60))
def test_a_cut_keeps_as_many_words_as_fit(words, limit):
    kept = cut_words(" ".join(words), limit).split()
    assert kept == words[: len(kept)]
    assert len(kept) == len(words) or len(" ".join(words[: len(kept) + 1])) > limit
