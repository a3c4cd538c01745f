"""Which passwords are refused: those an attacker tries first. Length rules are in forms.py.

Following NIST SP 800-63B: no rules about kinds of characters, a refusal of the common, the repeated, the
sequential and the person's own name.
"""

from __future__ import annotations

import re

_COMMON = """
password passwort passw0rd p@ssword p@ssw0rd pass word qwerty qwertyuiop qwertz azerty asdfgh asdfghjkl zxcvbnm
letmein welcome iloveyou loveyou ilove monkey dragon football baseball basketball superman batman princess sunshine
shadow master michael jordan jennifer charlie computer internet trustno abc abcd abcdef admin administrator root
login user test guest default changeme change secret hello whatever starwars freedom summer winter spring autumn
january february march april june july august september october november december monday friday sunday
google facebook amazon iphone samsung pokemon liverpool chelsea arsenal america canada cashview cash view money
bank banking budget passgood pass good
"""
_BASES = frozenset(_COMMON.split())
_RUNS = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890123456789",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiop",
    "azertyuiop",
    "qazwsxedcrfvtgbyhnujmikolp",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
)
MIN_DISTINCT = 5


def is_common(password: str, username: str = "") -> bool:
    """Would this be among the first guesses? True for a common word with digits or signs around it, few distinct
    characters, one short piece repeated, a run along the alphabet, digits or keyboard, or the username."""
    folded = password.casefold()
    if len(set(folded)) < MIN_DISTINCT or _is_repeated(folded) or _is_run(folded):
        return True
    if _only_common_words(_unleet(folded)) or _only_common_words(_unleet_digits(folded)):
        return True
    letters = re.sub(r"[^a-z]", "", folded)
    halves = letters[: len(letters) // 2]
    if letters in _BASES or (halves in _BASES and letters == halves * 2):
        return True
    name = username.casefold()
    rest = folded.replace(name, "") if len(name) >= 3 else folded
    return rest != folded and (len(rest) < 4 or _is_run(rest))


def _only_common_words(text: str) -> bool:
    words = re.sub(r"[^a-z]+", " ", text).split()
    return bool(words) and all(word in _BASES for word in words)


def _unleet(text: str) -> str:
    return text.translate(str.maketrans("@$!|", "asil"))


def _unleet_digits(text: str) -> str:
    """Digits between letters as the letters they stand for ('p4ssw0rd12' -> 'password12')."""
    letters = str.maketrans("01345", "oieas")
    return re.sub(r"(?<=[a-z])[01345](?=[a-z])", lambda found: found[0].translate(letters), _unleet(text))


def _is_repeated(text: str) -> bool:
    """One piece of at most eleven characters (too short to be a password itself) again and again."""
    sizes = range(1, min(11, len(text) // 2) + 1)
    return any(text == (text[:size] * (len(text) // size + 1))[: len(text)] for size in sizes)


def _is_run(text: str) -> bool:
    return any(text in run * 2 or text[::-1] in run * 2 for run in _RUNS)
