"""Twilio's errors by code: those that answer a call, and those that only a status callback tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

DOCUMENTATION = "https://www.twilio.com/docs/errors/{code}"


@dataclass(frozen=True)
class ErrorKind:
    """An error that answers a call, with its HTTP status."""

    code: int
    status: int
    message: str

    def body(self, message: str | None = None) -> dict[str, Any]:
        """The answer as Twilio has had it since 2010."""
        return {
            "code": self.code,
            "message": message or self.message,
            "more_info": DOCUMENTATION.format(code=self.code),
            "status": self.status,
        }

    def problem(self) -> dict[str, Any]:
        """The same by RFC 9457, which newer parts of Twilio answer with."""
        return {
            "type": DOCUMENTATION.format(code=self.code),
            "title": self.message,
            "status": self.status,
            "code": self.code,
        }


class TwilioError(Exception):
    """Ends a call; `message` replaces the usual words."""

    def __init__(self, code: int, message: str | None = None) -> None:
        super().__init__(code)
        self.kind, self.message = KINDS[code], message


@dataclass(frozen=True)
class Outcome:
    """An error that a text ends with: `failed` before it was sent, `undelivered` after."""

    code: int
    status: str
    message: str


KINDS = {
    code: ErrorKind(code, status, message)
    for code, status, message in (
        (14107, 429, "Message rate limit exceeded"),
        (20001, 400, "Invalid parameter"),
        (20003, 401, "Authenticate"),
        (20004, 405, "Method not allowed"),
        (20005, 401, "Account not active"),
        (20007, 400, "Page size too large"),
        (20008, 403, "Resource not accessible with Test Account Credentials"),
        (20009, 409, "Resource not complete"),
        (20404, 404, "The requested resource was not found"),
        (20429, 429, "Too Many Requests"),
        (20500, 500, "An internal server error has occurred"),
        (20503, 503, "Service unavailable"),
        (21211, 400, "Invalid 'To' Phone Number"),
        (21212, 400, "Invalid 'From' Phone Number"),
        (21265, 400, "'To' number cannot be a short code"),
        (21266, 400, "'To' and 'From' number cannot be the same"),
        (21408, 400, "Permission to send an SMS has not been enabled for the region of the 'To' number"),
        (21602, 400, "Message body is required"),
        (21603, 400, "A 'From' or 'MessagingServiceSid' parameter is required to send a message"),
        (21604, 400, "A 'To' phone number is required"),
        (21606, 400, "The 'From' number is not a number of this account that can send to the 'To' number"),
        (21608, 400, "The 'To' number is unverified; trial accounts can only send to verified numbers"),
        (21609, 400, "The StatusCallback URL is not a valid URL"),
        (21610, 400, "Attempt to send to unsubscribed recipient"),
        (21611, 400, "The 'From' number has exceeded the maximum number of queued messages"),
        (21612, 400, "The 'To' number cannot be reached from this 'From' number"),
        (21614, 400, "'To' number is not a valid mobile number"),
        (21617, 400, "The message body exceeds the 1600 character limit"),
        (21624, 400, "The validity period must be a whole number from 1 to 36000"),
        (21635, 400, "'To' number cannot be a landline"),
        (21659, 400, "The 'From' number is not a number of Twilio's, or of another country's"),
        (21660, 400, "The 'From' number belongs to another account"),
        (21701, 400, "The Messaging Service does not exist"),
        (21703, 400, "The Messaging Service contains no phone numbers"),
        (21705, 400, "The Messaging Service Sid is invalid"),
        (21730, 400, "System under maintenance"),
        (30001, 400, "Queue overflow"),
        (30002, 400, "Account suspended"),
        (30022, 400, "Exceeded A2P 10DLC messages per second"),
        (30023, 400, "A2P 10DLC daily message cap reached"),
        (30034, 400, "Message from an unregistered number"),
        (30409, 409, "This message cannot be canceled"),
        (572005, 400, "The account's primary compliance profile is not approved"),
    )
}
"""What a call can be answered with."""

_ALSO_LATER = (21211, 21408, 21606, 21608, 21610, 21612, 21614, 21703)
"""With a messaging service some refusals come after the call: the sender is chosen only then."""

OUTCOMES = {code: Outcome(code, "failed", KINDS[code].message) for code in _ALSO_LATER} | {
    code: Outcome(code, status, message)
    for code, status, message in (
        (30001, "failed", "Queue overflow"),
        (30002, "failed", "Account suspended"),
        (30003, "undelivered", "Unreachable destination handset"),
        (30004, "undelivered", "Message blocked"),
        (30005, "undelivered", "Unknown destination handset"),
        (30006, "undelivered", "Landline or unreachable carrier"),
        (30007, "undelivered", "Message filtered"),
        (30008, "undelivered", "Unknown error"),
        (30022, "failed", "Exceeded A2P 10DLC messages per second"),
        (30023, "failed", "A2P 10DLC daily message cap reached"),
        (30034, "undelivered", "Message from an unregistered number"),
        (30036, "failed", "Validity period expired"),
        (30047, "failed", "The message could not be rescheduled"),
    )
}
"""What a text can end with."""
