"""Phone numbers in any usual form; what gets no text is refused with a sentence."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.phones import PhoneError, pretty, to_e164

SAN_FRANCISCO = "+14155552671"


@pytest.mark.parametrize(
    "typed",
    [
        "(415) 555-2671",
        "415.555.2671",
        "415-555-2671",
        "415 555 2671",
        "4155552671",
        "+1 415 555 2671",
        "+14155552671",
        "1 (415) 555-2671",
        "1-415-555-2671",
        "011 1 415 555 2671",
        "  (415)555-2671  ",
        "４１５５５５２６７１",
        "＋１ ４１５ ５５５ ２６７１",
        "tel:+1-415-555-2671",
    ],
)
def test_usual_forms_are_one_number(typed):
    assert to_e164(typed) == SAN_FRANCISCO


@pytest.mark.parametrize(
    "typed, e164",
    [
        ("604 682 2344", "+16046822344"),
        ("(604) 555-0123", "+16045550123"),
        ("204-555-1234", "+12045551234"),
        ("+1 416 967 1111", "+14169671111"),
        ("202-555-0143", "+12025550143"),
    ],
)
def test_canada_and_the_united_states(typed, e164):
    assert to_e164(typed) == e164


@pytest.mark.parametrize(
    "typed, because",
    [
        ("415 555 2671 ext 5", "extension"),
        ("415-555-2671 x12", "extension"),
        ("(415) 555-2671 #3", "extension"),
        ("4155552671;ext=77", "extension"),
        ("415 555 2671,,5", "extension"),
        ("800 555 1234", "Toll-free"),
        ("+1 888 234 5678", "Toll-free"),
        ("1-833-234-5678", "Toll-free"),
        ("1-800-FLOWERS", "Toll-free"),
        ("900 234 5678", "premium"),
        ("+1 900 555 1234", "premium"),
        ("500 234 5678", "cannot get texts"),
        ("+44 20 7946 0958", "United States and Canada"),
        ("+49 30 123456", "United States and Canada"),
        ("876-555-1234", "United States and Canada"),
        ("+1 242 322 1234", "United States and Canada"),
        ("123", "not a valid"),
        ("555-2671", "not a valid"),
        ("911", "not a valid"),
        ("+1 415 555 26711", "not a valid"),
        ("0000000000", "not a valid"),
        ("415 555 2671 415 555 2671", "does not look like"),
        ("", "does not look like"),
        ("abc", "does not look like"),
        ("+", "does not look like"),
        ("--", "does not look like"),
        ("😀", "does not look like"),
        ("1" * 300, "does not look like"),
    ],
)
def test_what_gets_no_text_is_refused_with_a_reason(typed, because):
    with pytest.raises(PhoneError, match=because):
        to_e164(typed)


@given(st.text(max_size=40))
def test_whatever_is_typed_gives_e164_or_a_reason(typed):
    try:
        number = to_e164(typed)
    except PhoneError as refusal:
        assert str(refusal).endswith(".")  # noqa: PT017 - either is right, neither is required
    else:
        assert re.fullmatch(r"\+1[2-9][0-9]{9}", number)


@given(st.from_regex(r"\A(415|212|604|416)[2-9]\d{6}\Z"))
def test_pretty_reads_back_as_the_same_number(digits):
    try:
        number = to_e164(digits)
    except PhoneError:
        return
    assert to_e164(pretty(number)) == number


@pytest.mark.parametrize(
    "kept, shown", [("+14155552671", "(415) 555-2671"), ("+442079460958", "+442079460958"), ("", "")]
)
def test_pretty(kept, shown):
    assert pretty(kept) == shown
