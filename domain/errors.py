"""What can go wrong between a person's wish and its fulfilment, in the person's words.

Services raise these; views turn them into a page or a JSON error. The status lives in views/errors.py.
"""

from __future__ import annotations


class AppError(Exception):
    """A refusal with a stable code for programs and one sentence for people (never a secret in either)."""

    code = "error"
    message = "Something went wrong."

    def __init__(self, message: str | None = None, code: str | None = None) -> None:
        self.message = message or self.message
        self.code = code or self.code
        super().__init__(self.message)


class BadInput(AppError):
    """The request cannot be understood or breaks a rule of its fields."""

    code = "bad_input"
    message = "That request could not be understood."


class NotFound(AppError):
    """Not there, or not this person's: the same answer for both."""

    code = "not_found"
    message = "There is nothing here, or it is not yours."


class Forbidden(AppError):
    """Known person, refused act (a demo visitor changing the profile, a wrong confirmation)."""

    code = "forbidden"
    message = "That is not allowed here."


class Conflict(AppError):
    """The request is fine but clashes with what is there."""

    code = "conflict"
    message = "That clashes with what is already there."


class TooSoon(AppError):
    """Asked again before it may be; retry_after is in whole seconds."""

    code = "too_soon"
    message = "Please wait a moment before asking again."

    def __init__(self, message: str | None = None, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = max(1, retry_after)


class VendorTrouble(AppError):
    """The outside world did not do its part; nothing was changed and trying later may work."""

    code = "vendor_unavailable"
    message = (
        "The bank connection service is not answering right now. Nothing was changed; try again in a minute."
    )
