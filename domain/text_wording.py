"""What became of a text, in words a person reads. Statuses are text_messages.status; reasons are words of ours or
the vendor's codes, which are never shown. A code nobody has met yet has a kind sentence too."""

from __future__ import annotations

from dataclasses import dataclass

from domain.delivery import Meaning, meaning

SANDBOX_SENTENCE = "Sandbox account: not eligible for texts"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A word for the badge, its tone (ok, warn, bad, busy), and the sentence beside it."""

    label: str
    tone: str
    sentence: str


_SKIPPED = {
    "demo": "The demo sends no texts. This is the text that would have gone.",
    "sandbox": f"{SANDBOX_SENTENCE}. This is the text that would have gone.",
    "texts_off": "Texts are off on this site. This is the text that would have gone.",
    "no_consent": "Not sent, because you had not agreed to texts.",
    "not_verified": "Not sent, because your number was not verified.",
    "opted_out": "Not sent, because this number has replied STOP.",
    "missed": "Not sent: its day was over before it could go. The next one has newer numbers.",
    "number_changed": "Not sent, because your number changed before it went.",
    "gone": "Not sent, because the tracker or its account was deleted before it went.",
    "closed": "Not sent, because the bank no longer reports this account.",
    "stale": "Not sent: the bank had given no numbers for this month yet.",
    "restored": "It had gone before this site's data was restored, so it was not sent twice.",
}
_FAILED = {
    Meaning.CONFIG: "Not delivered: this site is not set up to text your number yet. Whoever runs it has been told.",
    Meaning.SOFT: "Not delivered: your phone was off or out of reach.",
    Meaning.NUMBER: "Not delivered: this number cannot get texts. Check it in your profile, then verify it again.",
    Meaning.CONTENT: "Not delivered: the phone network took it for spam. Whoever runs this site has been told.",
    Meaning.AMBIGUOUS: "Not delivered, and the phone network does not say why. It was not tried again.",
    Meaning.SLOW: "Not delivered: too many texts were on their way at once.",
    Meaning.STALE: "Not delivered in time: it waited too long, and old numbers are not sent late.",
    Meaning.RETRY_ONCE: "Not delivered: the phone network held it back and then lost it.",
    Meaning.OPTED_OUT: "Not delivered, because this number has replied STOP.",
    Meaning.UNVERIFIED: "Not sent: this site may not text your number yet. Whoever runs it must allow it first.",
}
_OURS = "Not sent: something went wrong on our side. Nothing was charged, and the next one goes as planned."
_TRY_LATER = "Not sent: the text service did not take it. You can ask for another code."
_UNKNOWN = "It may have arrived: the text service did not say. It is never sent a second time, so look at your phone."
_WAITING = {
    None: "Waits to be sent.",
    "retry": "Waits: the text service did not take it yet. It is tried again today.",
}


def outcome(status: str, reason: str | None) -> Outcome:
    """The words for a text of this status. Every status and every reason has some."""
    match status:
        case "pending":
            return Outcome("Waiting", "busy", _WAITING["retry" if reason else None])
        case "sending":
            return Outcome("Sending", "busy", "On its way to the text service.")
        case "sent":
            return Outcome("Sent", "ok", "The text service has it. Word of its arrival has not come yet.")
        case "delivered":
            return Outcome("Delivered", "ok", "It reached your phone.")
        case "unknown":
            return Outcome("Not sure", "warn", _UNKNOWN)
        case "skipped":
            return Outcome("Not sent", "warn", _SKIPPED.get(reason or "", "Not sent."))
    return Outcome("Not delivered", "bad", _failure(reason))


def _failure(reason: str | None) -> str:
    if reason in ("internal", "unreadable", "21602", "21617", "NOT_TEXT"):
        return _OURS
    if reason == "not_taken":
        return _TRY_LATER
    return _FAILED[meaning(reason)]


_PROBLEMS = {
    Meaning.SOFT: "Your phone was out of reach for several texts in a row, so texts are paused.",
    Meaning.NUMBER: "The phone network says that this number cannot get texts, so texts are paused.",
}


def number_problem(code: str) -> str:
    """Why texts to a number are paused (users.phone_problem), and what to do."""
    what = _PROBLEMS.get(meaning(code), "The last texts to this number did not arrive, so texts are paused.")
    return f"{what} Check the number in your profile, or verify it once more."
