"""What a person agrees to when they turn texts on. Every wording that was ever shown stays here under its version:
the proof of an agreement names the version, so a published wording is never edited, only followed by another."""

from __future__ import annotations

WORDINGS = {
    "2026-11": (
        "CashView may send automated budget updates by text message to my phone number: up to one text per budget "
        "tracker per day, and a code when I verify the number. Message and data rates may apply. Reply STOP to opt "
        "out, HELP for help. Agreeing is not a condition of using CashView."
    ),
}
"""Version -> the words beside the box. The page adds links to the terms and the privacy page."""

CURRENT = "2026-11"
"""The version that is shown now."""


def wording(version: str = CURRENT) -> str:
    """The words of a version. KeyError for one that was never shown."""
    return WORDINGS[version]
