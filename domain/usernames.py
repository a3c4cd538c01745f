"""Usernames: unique without regard to case and to compatible forms of a letter."""

from __future__ import annotations

import unicodedata

DEMO_USERNAME = "Test_User"


def username_key(username: str) -> str:
    """The form under which a name is unique: NFKC, case-folded. '#' never comes from a person (forms.py refuses
    it): it marks demo copies."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", username).casefold())
