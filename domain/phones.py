"""Phone numbers as people write them, as E.164 they are kept, and which of them can get a text here."""

from __future__ import annotations

REGIONS = ("US", "CA")


class PhoneError(ValueError):
    """Why a number cannot be used, in one sentence for the person."""


def to_e164(text: str) -> str:
    """'(415) 555-2671' as '+14155552671'. PhoneError unless it is a textable US or Canadian number.

    Refused: extensions (E.164 would silently drop them), toll-free and premium-rate numbers, and what is no
    person's line (500 numbers forward calls at the caller's cost and get no texts).
    """
    # Loaded on use: its tables are 7 MB that most processes never need.
    import phonenumbers
    from phonenumbers import PhoneNumberType

    try:
        number = phonenumbers.parse(text, "US")
    except phonenumbers.NumberParseException:
        raise PhoneError("That does not look like a phone number. Example: (415) 555-2671.") from None
    if number.extension:
        raise PhoneError("A number with an extension cannot get texts. Please give a direct number.")
    if not phonenumbers.is_valid_number(number):
        raise PhoneError("That is not a valid phone number. Example: (415) 555-2671.")
    if phonenumbers.region_code_for_number(number) not in REGIONS:
        raise PhoneError("Only numbers of the United States and Canada can be used.")
    kinds = PhoneNumberType
    textable = (kinds.FIXED_LINE, kinds.MOBILE, kinds.FIXED_LINE_OR_MOBILE, kinds.VOIP)
    if phonenumbers.number_type(number) not in textable:
        raise PhoneError("Toll-free and premium numbers cannot get texts. Please give a mobile number.")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def pretty(e164: str) -> str:
    """'+14155552671' as '(415) 555-2671'; anything unexpected as it is."""
    digits = e164.removeprefix("+1")
    return f"({digits[:3]}) {digits[3:6]}-{digits[6:]}" if len(digits) == 10 and digits.isdigit() else e164
