"""Texts: agree, verify the number, see what was sent. One page, whose form is the next step."""

from __future__ import annotations

from flask import Blueprint, current_app, flash, make_response, redirect, render_template, request, url_for
from flask_login import login_required
from werkzeug.wrappers import Response

from domain.consent import wording
from domain.errors import AppError, TooSoon
from domain.phones import pretty
from forms import CodeForm, ConsentForm
from models import User
from services import consent, texting, verification
from services.sending import Result
from views.errors import STATUS_OF
from views.http import person, wants_json

blueprint = Blueprint("texts", __name__, url_prefix="/users")

Answer = str | Response


@blueprint.route("/texts", methods=["GET", "POST"])
@login_required
def settings() -> Answer:
    """The page; or one of its acts, by the field that was sent: consent, code, resend, withdraw."""
    user = person()
    if request.method != "POST":
        return _page(user, ConsentForm(), CodeForm())
    if "withdraw" in request.form and not user.is_demo:  # always, also where texts are off
        return _withdraw(user)
    consent.require_texts(user, texts_on=_texts_on())
    if "resend" in request.form:
        return _resend(user)
    return _verify(user) if "code" in request.form and "consent" not in request.form else _agree(user)


def _agree(user: User) -> Answer:
    """Agree, and have a code sent at once where the number needs one: one step less to take."""
    form = ConsentForm()
    if not form.validate_on_submit():
        return _refused(user, form, CodeForm())
    consent.agree(user)
    if user.phone_verified_at is not None:
        flash("Texts are on.", "success")
        return _back()
    try:
        _say_sent(_send(user))
    except AppError as error:  # what they agreed to holds; the page offers to send the code again
        flash(error.message, "info" if isinstance(error, TooSoon) else "error")
    return _back()


def _resend(user: User) -> Answer:
    try:
        _say_sent(_send(user))
    except AppError as error:
        return _trouble(user, error)
    return _back()


def _verify(user: User) -> Answer:
    form = CodeForm()
    if form.validate_on_submit():
        try:
            verification.verify(user, form.code.data or "")
        except verification.WrongCode as error:
            form.code.errors = [error.message]
        else:
            flash("Your number is verified.", "success")
            return _back()
    return _refused(user, ConsentForm(formdata=None), form)


def _withdraw(user: User) -> Answer:
    consent.withdraw(user)
    flash("Texts are off. No more budget texts are sent to you.", "success")
    return _back()


def _send(user: User) -> Result:
    base = current_app.config["SETTINGS"].twilio_callback_base_to_send
    return verification.send_code(user, current_app.extensions["texts"], base)


def _say_sent(result: Result) -> None:
    if result is Result.UNKNOWN:
        flash(
            "The code may be on its way: the text service did not say. If none comes, ask for another.",
            "info",
        )
    else:
        flash("A code is on its way to your phone.", "success")


def _back() -> Response:
    return redirect(url_for("texts.settings"), code=303)


def _refused(user: User, agreeing: ConsentForm, typing: CodeForm) -> Response:
    return make_response(_page(user, agreeing, typing), 400)


def _trouble(user: User, error: AppError) -> Response:
    """No code was sent: the page again with the reason, for programs the error they know."""
    if wants_json(request):
        raise error
    status = next((status for kind, status in STATUS_OF.items() if isinstance(error, kind)), 400)
    response = make_response(
        _page(user, ConsentForm(formdata=None), CodeForm(formdata=None), error.message), status
    )
    if isinstance(error, TooSoon):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _page(user: User, agreeing: ConsentForm, typing: CodeForm, trouble: str | None = None) -> str:
    site = current_app.config["SETTINGS"]
    return render_template(
        "texts/settings.html",
        agreeing=agreeing,
        typing=typing,
        not_sent=trouble,
        standing=texting.standing(user, texts_on=_texts_on()),
        history=texting.history(user, _before()),
        wording=wording(),
        sender=pretty(site.twilio_num) if site.twilio_num else None,
        phone_url=f"{site.twilio_base_url}/phone" if site.texting_simulated else None,
    )


def _before() -> int | None:
    """The id in ?before=; anything that is none means the newest page."""
    text = request.args.get("before", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _texts_on() -> bool:
    return current_app.extensions["texts"] is not None
