"""What a reply to one of our texts asks for. Pure reading of words; who sent them is nobody's business here.

The vendor blocks a number only when the whole message is one of its keywords. The law counts any reasonable wording
of "stop", so stopping is read generously and starting strictly: whoever stopped by mistake can always text START.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum


class Reply(StrEnum):
    """What the person wants."""

    STOP = "STOP"
    START = "START"
    HELP = "HELP"


STOP_WORDS = frozenset(
    ("stop", "stopall", "unsubscribe", "end", "quit", "cancel", "revoke", "optout", "arret", "arreter")
)
"""The vendor's keywords and, for Canada, the French ones: as a message's first word they stop."""
START_WORDS = frozenset(("start", "yes", "unstop"))
HELP_WORDS = frozenset(("help", "info", "aide"))

_COURTESY = frozenset(
    (
        "please",
        "pls",
        "plz",
        "kindly",
        "just",
        "ok",
        "okay",
        "hi",
        "hello",
        "hey",
        "no",
        "can",
        "could",
        "would",
        "will",
        "you",
        "thanks",
        "thank",
        "now",
        "immediately",
        "and",
    )
)
_STOPPING = re.compile(
    r"\b(unsubscribe|opt (me |us )?out|opting out|take me off|remove (me|my|this) |remove me$|"
    r"(stop|quit) (all|it|this|that|these|the|sending|texting|texts|text|messaging|messages|msgs)\b|"
    r"(do not|dont|never) (text|message|contact|msg|send)|no more (texts?|messages?|msgs?)|"
    r"leave me alone|lose my number|not interested|wrong (number|person)|revoke|"
    r"i( do not| dont| no longer) want (these|this|any|your|to (get|receive)))"
)
_GO_ON = re.compile(r"\b(do not|dont|never|not) (stop|end|quit|cancel|revoke|unsubscribe|opt)\b")
_LONGEST_ENDING = 4
"""Words: 'oh just stop' stops, a long sentence that happens to end in stop does not."""


def read(body: str, keyword: str | None = None) -> Reply | None:
    """What a reply asks for; None for anything else. `keyword` is the vendor's own reading, which goes first."""
    given = (keyword or "").strip().upper()
    if given in Reply.__members__:
        return Reply[given]
    words = _words(body)
    if _stops(words):
        return Reply.STOP
    asked = [word for word in words if word not in _COURTESY] or words
    if len(asked) != 1:
        return None
    if asked[0] in START_WORDS:
        return Reply.START
    return Reply.HELP if asked[0] in HELP_WORDS else None


def _words(body: str) -> list[str]:
    """'Stop!!' as ['stop'], 'ARRÊT' as ['arret'], "don't" as ['dont']; full-width letters count as plain ones."""
    plain = unicodedata.normalize("NFKD", body).casefold()
    joined = re.sub(r"['\u2019`\u0300-\u036f\u200b-\u200d\ufeff]", "", plain)
    return re.findall(r"[a-z0-9]+", joined)


def _stops(words: list[str]) -> bool:
    # "Do not stop" asks for nothing; what is said beside it still counts.
    words = _GO_ON.sub("", " ".join(words)).split()
    sentence = " ".join(words)
    if not words:
        return False
    first = next((word for word in words if word not in _COURTESY), "")
    ends_in_stop = len(words) <= _LONGEST_ENDING and words[-1] in ("stop", "unsubscribe")
    spelt = "".join(words) in STOP_WORDS  # S.T.O.P.
    return first in STOP_WORDS or spelt or ends_in_stop or _STOPPING.search(sentence) is not None
