"""What becomes of a text after it was accepted: the vendor's words in their order, and what its error codes mean.

News of one text comes late, twice and out of order, so a word counts only when it is further on than the last one.
Half of all failures are told only here, after the request itself had succeeded.
"""

from __future__ import annotations

from enum import StrEnum

_ON_THE_WAY = {"accepted": 0, "scheduled": 1, "queued": 2, "sending": 3, "sent": 4}
_END = {
    "delivered": "delivered",
    "partially_delivered": "delivered",
    "read": "delivered",
    "undelivered": "failed",
    "failed": "failed",
    "canceled": "failed",
}
RANK = {**_ON_THE_WAY, **dict.fromkeys(_END, 5)}
"""The vendor's word -> how far on the text is. The last rank is the end; none of its words replaces another."""


def is_final(word: str | None) -> bool:
    """Whether no later news can change this."""
    return word in _END


def moves_on(known: str | None, news: str) -> bool:
    """Whether `news` is further on than what is `known` (None: nothing yet). A word we do not know never is."""
    return news in RANK and RANK[news] > RANK.get(known or "", -1)


def our_status(word: str) -> str | None:
    """The vendor's word as text_messages.status: 'sent', 'delivered' or 'failed'; None for an unknown word."""
    return "sent" if word in _ON_THE_WAY else _END.get(word)


class Meaning(StrEnum):
    """What an error code in a delivery report asks of us. Only SLOW and RETRY_ONCE allow another try."""

    CONFIG = "config"
    """Our account or sender is not allowed to text: stop the run, tell the operator."""
    SOFT = "soft"
    """The phone was off or out of reach: no number's fault until it happens again and again."""
    NUMBER = "number"
    """No text will ever reach this number: pause it."""
    CONTENT = "content"
    """Taken for spam on the way: tell the operator, the wording must change."""
    AMBIGUOUS = "ambiguous"
    """Nobody knows why, and it may have arrived: not again."""
    SLOW = "slow"
    """Too many texts in a short time, or today."""
    STALE = "stale"
    """It waited past its hour; yesterday's figures are not sent today."""
    RETRY_ONCE = "retry_once"
    """Held back by quiet hours and then lost: one more try."""
    OPTED_OUT = "opted_out"
    """The number's owner has replied STOP."""
    UNVERIFIED = "unverified"
    """The operator must verify this number or upgrade the account."""


MEANINGS = {
    "30001": Meaning.SLOW,
    "30002": Meaning.CONFIG,
    "30003": Meaning.SOFT,
    "30004": Meaning.NUMBER,
    "30005": Meaning.NUMBER,
    "30006": Meaning.NUMBER,
    "30007": Meaning.CONTENT,
    "30008": Meaning.AMBIGUOUS,
    "30022": Meaning.SLOW,
    "30023": Meaning.SLOW,
    "30034": Meaning.CONFIG,
    "30036": Meaning.STALE,
    "30047": Meaning.RETRY_ONCE,
    "21610": Meaning.OPTED_OUT,
    "21608": Meaning.UNVERIFIED,
    "572005": Meaning.UNVERIFIED,
    "21211": Meaning.NUMBER,
    "21265": Meaning.NUMBER,
    "21266": Meaning.NUMBER,
    "21408": Meaning.NUMBER,
    "21612": Meaning.NUMBER,
    "21614": Meaning.NUMBER,
    "21635": Meaning.NUMBER,
    "21606": Meaning.CONFIG,
    "21703": Meaning.CONFIG,
}


def meaning(error_code: str | None) -> Meaning:
    """What a report's error code asks of us. Without a code or with one of tomorrow: not again."""
    return MEANINGS.get((error_code or "").strip(), Meaning.AMBIGUOUS)
