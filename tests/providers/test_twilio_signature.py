"""Webhooks are believed only with a signature under one of our own tokens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator
from werkzeug.datastructures import MultiDict

from providers.twilio import valid_signature

# Twilio's own documented example.
TOKEN = "12345"
URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
PARAMS = {
    "To": "+18005551212",
    "From": "+14158675309",
    "CallSid": "CA1234567890ABCDE",
    "Digits": "1234",
    "Caller": "+14158675309",
}
SIGNATURE = "RSOYDt4T1cUTdK1PDd93/VVr8B8="


def test_the_documented_example_is_valid():
    assert valid_signature([TOKEN], URL, PARAMS, SIGNATURE)


@pytest.mark.parametrize(
    "tokens, url, params, signature",
    [
        ([], URL, PARAMS, SIGNATURE),
        ([""], URL, PARAMS, SIGNATURE),
        ([None], URL, PARAMS, SIGNATURE),
        (["12346"], URL, PARAMS, SIGNATURE),
        ([TOKEN], URL.replace("https", "http"), PARAMS, SIGNATURE),
        ([TOKEN], URL + "&baz=3", PARAMS, SIGNATURE),
        ([TOKEN], URL.replace("mycompany", "evil"), PARAMS, SIGNATURE),
        ([TOKEN], URL, {**PARAMS, "Digits": "1235"}, SIGNATURE),
        ([TOKEN], URL, {**PARAMS, "More": ""}, SIGNATURE),
        ([TOKEN], URL, {}, SIGNATURE),
        ([TOKEN], URL, PARAMS, None),
        ([TOKEN], URL, PARAMS, ""),
        ([TOKEN], URL, PARAMS, SIGNATURE[:-1]),
        ([TOKEN], URL, PARAMS, SIGNATURE.lower()),
        ([TOKEN], URL, PARAMS, "é\ud800☃"),
    ],
)
def test_anything_else_is_not(tokens, url, params, signature):
    assert not valid_signature(tokens, url, params, signature)


def test_an_empty_token_does_not_make_everyone_twilio():
    forged = RequestValidator("").compute_signature(URL, PARAMS)
    assert not valid_signature([""], URL, PARAMS, forged)
    assert not valid_signature(["", TOKEN, None], URL, PARAMS, forged)


def test_two_tokens_are_believed_while_one_replaces_the_other():
    assert valid_signature(["new", TOKEN], URL, PARAMS, SIGNATURE)
    assert valid_signature([TOKEN, "new"], URL, PARAMS, SIGNATURE)


@pytest.mark.parametrize(
    "ours, signed",
    [
        ("https://cash.example.com/x", "https://cash.example.com:443/x"),
        ("https://cash.example.com:443/x", "https://cash.example.com/x"),
        ("http://127.0.0.1:5300/x?a=1", "http://127.0.0.1/x?a=1"),
        ("http://[::1]:5300/x", "http://[::1]:5300/x"),
    ],
)
def test_a_port_may_be_signed_or_not(ours, signed):
    signature = RequestValidator(TOKEN).compute_signature(signed, PARAMS)
    assert valid_signature([TOKEN], ours, PARAMS, signature)


def test_a_field_that_came_twice_is_signed_once_for_each_value():
    form = MultiDict([("A", "2"), ("A", "1"), ("A", "2"), ("B", "")])
    signature = RequestValidator(TOKEN).compute_signature(URL, form)
    assert valid_signature([TOKEN], URL, form.to_dict(flat=False), signature)


@given(
    token=st.text("abc123", min_size=1),
    params=st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=20), max_size=6),
)
def test_it_agrees_with_twilios_own_signing(token, params):
    signature = RequestValidator(token).compute_signature(URL, params)
    assert valid_signature([token], URL, params, signature)
    assert not valid_signature([token + "x"], URL, params, signature)
