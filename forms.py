"""The shape of input: text a person typed in, values the services take out. Errors stand beside the field."""

from __future__ import annotations

from decimal import Decimal

from flask import request
from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, PasswordField, SelectField, StringField, TelField, ValidationError
from wtforms.fields.choices import SelectChoice  # pyright: ignore[reportAttributeAccessIssue] - newer than its stubs
from wtforms.validators import DataRequired, InputRequired

from domain.budgets import TypedError, parse_frequency, parse_threshold
from domain.money import currency_style
from domain.passwords import is_common
from domain.periods import DEFAULT_ZONE, zone_names
from domain.phones import PhoneError, to_e164
from domain.text import is_clean_line
from domain.usernames import DEMO_USERNAME, username_key

ACCOUNT_TYPES = (
    SelectChoice("sandbox", "Sandbox: play with made-up banks"),
    SelectChoice("development", "Development: real bank data"),
)
MAX_USERNAME, MAX_USERNAME_KEY, MAX_NAME, MAX_PHONE = 64, 100, 100, 64
MIN_PASSWORD, MAX_PASSWORD = 12, 256
CODE_DIGITS = 6


def _stripped(value: str | None) -> str | None:
    return value.strip() if value else value


def _line(limit: int):  # noqa: ANN202 - a WTForms validator
    def check(_form: FlaskForm, field: Field) -> None:
        if len(field.data or "") > limit:
            raise ValidationError(f"Please use at most {limit} characters.")
        if not is_clean_line(field.data or ""):
            raise ValidationError("Please use plain text on one line.")

    return check


def _required(what: str) -> DataRequired:
    """Blanks alone are nothing."""
    return DataRequired(f"Please enter {what}.")


def _required_as_typed(what: str) -> InputRequired:
    """For passwords: every character counts, a blank too."""
    return InputRequired(f"Please enter {what}.")


class _Username:
    """3 characters are plenty to tell people apart; the key is what is unique, so its length counts too."""

    def __call__(self, _form: FlaskForm, field: Field) -> None:
        name = field.data or ""
        if "#" in name or any(char.isspace() for char in name):
            raise ValidationError("A username has no spaces and no #.")
        if len(name) < 2 or len(username_key(name)) > MAX_USERNAME_KEY:
            raise ValidationError("Please use between 2 and 64 characters.")
        if username_key(name) == username_key(DEMO_USERNAME):
            raise ValidationError("That username is taken. Please choose another.")


class _Phone:
    """Leaves the field as it was typed; the form's `e164` is what the number means."""

    def __call__(self, form: PersonFields, field: Field) -> None:
        if len(field.data or "") > MAX_PHONE:
            raise ValidationError("That is too long for a phone number.")
        try:
            form.e164 = to_e164(field.data or "")
        except PhoneError as error:
            raise ValidationError(str(error)) from None


class _NewPassword:
    """12 to 256 characters, any characters, taken exactly as typed; common ones refused."""

    def __call__(self, form: FlaskForm, field: Field) -> None:
        password = field.data or ""
        if len(password) < MIN_PASSWORD:
            raise ValidationError(
                f"Please use at least {MIN_PASSWORD} characters. A few words make a good password."
            )
        if len(password) > MAX_PASSWORD:
            raise ValidationError(f"Please use at most {MAX_PASSWORD} characters.")
        username = form["username"].data if "username" in form else getattr(form, "own_name", "")
        if is_common(password, username or ""):
            raise ValidationError("That password is easy to guess. Please choose a less common one.")


def _zone(_form: FlaskForm, field: Field) -> None:
    if field.data not in zone_names():
        raise ValidationError("Please choose a time zone from the list.")


class TextForm(FlaskForm):
    """A form of text: only what was posted as text counts. A file in a field's place, or JSON, fills in nothing."""

    class Meta(FlaskForm.Meta):
        def wrap_formdata(self, form: FlaskForm, formdata: object) -> object:
            return request.form if formdata is not None and request.method == "POST" else None


class PersonFields(TextForm):
    """What sign-up and profile share: who a person is."""

    e164 = ""
    """The phone number in E.164, after a successful validation."""

    username = StringField(
        "Username", [_required("a username"), _line(MAX_USERNAME), _Username()], [_stripped]
    )
    phone_number = TelField("Phone number", [_required("a phone number"), _Phone()], [_stripped])
    first_name = StringField("First name", [_required("your first name"), _line(MAX_NAME)], [_stripped])
    last_name = StringField("Last name", [_required("your last name"), _line(MAX_NAME)], [_stripped])
    account_type = SelectField("Account type", [_required("an account type")], choices=ACCOUNT_TYPES)
    timezone = SelectField("Time zone", [_zone], default=DEFAULT_ZONE, validate_choice=False)

    def __init__(self, *args: object, account_types: list[str] | None = None, **kwargs: object) -> None:
        """`account_types`: those this site has keys for; the others are not offered."""
        super().__init__(*args, **kwargs)
        offered = [
            choice for choice in ACCOUNT_TYPES if account_types is None or choice.value in account_types
        ]
        self.account_type.choices = offered
        self.timezone.choices = [SelectChoice(name, name.replace("_", " ")) for name in zone_names()]
        if not self.timezone.data:
            self.timezone.data = DEFAULT_ZONE


class SignUpForm(PersonFields):
    password = PasswordField("Password", [_required_as_typed("a password"), _NewPassword()])


class _Guess(TextForm):
    """A form with a password that may be wrong."""

    retry_after = 0
    """Seconds to wait when there were too many wrong ones; set by the view, with the words at the form's top."""


class LoginForm(_Guess):
    username = StringField("Username", [_required("your username")], [_stripped])
    password = PasswordField("Password", [_required_as_typed("your password")])


class _Confirmed(_Guess):
    current_password = PasswordField("Current password", [_required_as_typed("your current password")])


class ProfileForm(PersonFields, _Confirmed):
    """Every change needs the password."""


class ChangePasswordForm(_Confirmed):
    own_name = ""
    """The username of who changes: set by the view, because this form does not ask for it."""

    new_password = PasswordField("New password", [_required_as_typed("a new password"), _NewPassword()])


class DeleteProfileForm(_Confirmed):
    """Nothing but the password: the page says what will go."""


class _Threshold:
    """Leaves the field as it was typed; the form's `threshold` is what the amount means."""

    def __call__(self, form: BudgetForm, field: Field) -> None:
        try:
            form.threshold = parse_threshold(field.data or "", form.symbol)
        except TypedError as error:
            raise ValidationError(str(error)) from None


class _Frequency:
    """Leaves the field as it was typed; the form's `frequency` is what the days mean."""

    def __call__(self, form: BudgetForm, field: Field) -> None:
        try:
            form.frequency = parse_frequency(field.data or "")
        except TypedError as error:
            raise ValidationError(str(error)) from None


class BudgetForm(TextForm):
    """A budget for each month, in the account's currency, and the days between texts."""

    threshold = Decimal(0)
    frequency = 0
    """What was typed means this, after a successful validation."""

    budget_threshold = StringField(
        "Monthly budget", [_required("a monthly budget"), _Threshold()], [_stripped]
    )
    notification_frequency = StringField(
        "Days between texts", [_required("the days between texts"), _Frequency()], [_stripped]
    )

    def __init__(self, *args: object, currency: str | None = None, **kwargs: object) -> None:
        """`currency`: the account's; its symbol may be typed."""
        super().__init__(*args, **kwargs)
        self.symbol = currency_style(currency).prefix.strip()


class ConsentForm(TextForm):
    consent = BooleanField("Yes, text me", [DataRequired("Please tick the box if you agree to texts.")])


class _Code:
    """Six digits, with or without the space or dash people put in the middle."""

    def __call__(self, _form: FlaskForm, field: Field) -> None:
        digits = (field.data or "").replace(" ", "").replace("-", "")
        if not (digits.isascii() and digits.isdigit() and len(digits) == CODE_DIGITS):
            raise ValidationError(f"The code is {CODE_DIGITS} digits, as in the text.")
        field.data = digits


class CodeForm(TextForm):
    code = StringField("Code from the text", [_required("the code from the text"), _Code()], [_stripped])
