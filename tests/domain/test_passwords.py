"""Which passwords are refused as first guesses, and which good ones must not be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.passwords import is_common


@pytest.mark.parametrize(
    "password",
    [
        "password1234",
        "Password123!",
        "PASSWORDPASSWORD",
        "p@ssw0rd1234",
        "passw0rd12345",
        "P4ssw0rd!P4ssw0rd!",
        "qwertyuiop12",
        "qwerty123456",
        "1q2w3e4r5t6y",
        "1qaz2wsx3edc",
        "qazwsxedcrfv",
        "asdfghjkl123",
        "123456789012",
        "123456123456",
        "987654321098",
        "abcdefghijkl",
        "abcd1234abcd1234",
        "aaaaaaaaaaaa",
        "111122223333",
        "            ",
        "iloveyou2023",
        "letmein12345",
        "Summer2026!!",
        "trustno1trustno1",
        "administrator",
        "welcome12345",
        "changeme1234",
        "CashView2026!",
        "cash view money bank",
        "pass_good pass_good",
        "😀" * 12,
    ],
)
def test_first_guesses_are_refused(password):
    assert is_common(password)


@pytest.mark.parametrize("password", ["alice1234567", "AliceAlice!!", "12345alice678", "ALICEalice!1"])
def test_the_persons_own_name_is_refused(password):
    assert is_common(password, "Alice")


@pytest.mark.parametrize(
    "password",
    [
        "nine lives of a tin robot",
        "correct horse battery staple",
        "correcthorsebatterystaple",
        "Xk7#pW2!qLz9",
        "my name is alice and I like tea",
        "ёлка зелёная колючая",
        "🐢🍕🚲🎷🧊🪁🌵🔑🎈🧶🪐🦊",
        "tr4in-station-umbrella",
        "g8Jq2vZ0mN4t",
        "wintergreen tea at noon",
    ],
)
def test_good_passwords_are_taken(password):
    assert not is_common(password, "alice")


def test_a_short_username_says_nothing_about_a_password():
    assert not is_common("Xk7#pW2!qLz9 a", "a")
    assert not is_common("Xk7#pW2!qLz9", "")


@given(st.text(alphabet="abcdefghjkmnpqrstuvwxyz23456789", min_size=14, max_size=40), st.text(max_size=20))
def test_any_text_gets_an_answer(password, username):
    assert is_common(password, username) in (True, False)


@given(st.text(min_size=1, max_size=6), st.integers(2, 20))
def test_a_short_piece_again_and_again_is_refused(piece, times):
    assert is_common((piece * times * 6)[:60])
