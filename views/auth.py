"""Sign up, log in, log out, and the demo."""

from __future__ import annotations

from flask import Blueprint, current_app, flash, redirect, render_template, request, session, url_for
from flask_login import current_user, login_required, login_user, logout_user
from werkzeug.wrappers import Response

from domain.periods import DEFAULT_ZONE, zone_names
from domain.usernames import DEMO_USERNAME, username_key
from extensions import limiter
from forms import LoginForm, PersonFields, SignUpForm
from models import User
from services import demo, users
from services.throttling import TooManyGuesses
from views import device_cookie
from views.http import form_answer, too_soon

blueprint = Blueprint("auth", __name__)

Answer = str | Response | tuple[str, int] | tuple[str, int, dict[str, str]]
READING = ("GET", "HEAD")
NO_MATCH = "That username and password do not match."


@blueprint.route("/signup", methods=["GET", "POST"])
@limiter.limit("60/hour", methods=["POST"])
def signup() -> Answer:
    form = SignUpForm(account_types=list(current_app.config["SETTINGS"].account_types_offered) or None)
    if request.method in READING:
        return render_template("auth/signup.html", form=form)
    if form.validate_on_submit():
        try:
            user = users.sign_up(profile_of(form), form.password.data or "")
        except users.UsernameTaken as error:
            form.username.errors = [error.message]
        else:
            device_cookie.remember(user)
            enter(user)
            return redirect(url_for("pages.home"), code=303)
    return render_template("auth/signup.html", form=form), 400


@blueprint.route("/login", methods=["GET", "POST"])
# Wrong passwords are counted in rows (services/throttling.py); this bounds what right ones cost.
@limiter.limit("30/minute", methods=["POST"], deduct_when=lambda response: response.status_code == 303)
def login() -> Answer:
    form = LoginForm()
    if request.method in READING:
        return redirect(url_for("pages.home")) if current_user.is_authenticated else _login_page(form)
    if form.validate_on_submit():
        if _is_demo(form):
            if form.password.data == demo.DEMO_PASSWORD:
                return _enter_demo()
            form.password.errors = [NO_MATCH]
        elif (user := _authenticated(form)) is not None:
            device_cookie.remember(user)
            enter(user)
            return redirect(_safe_next(request.args.get("next")), code=303)
    return _login_page(form)


def _is_demo(form: LoginForm) -> bool:
    """The demo's name and password are for everybody: there is nothing to guess, and nothing is counted."""
    key = username_key(form.username.data or "")
    return current_app.config["DEMO_ENABLED"] and key == username_key(DEMO_USERNAME)


def _authenticated(form: LoginForm) -> User | None:
    """Who this is; None with the reason in the form."""
    username, password = form.username.data or "", form.password.data or ""
    try:
        user = users.authenticate(
            username, password, address=request.remote_addr, browser=device_cookie.tokens()
        )
    except TooManyGuesses as error:
        too_soon(form, error)
        return None
    if user is None:
        form.password.errors = [NO_MATCH]
    return user


def _login_page(form: LoginForm) -> Answer:
    return form_answer(render_template("auth/login.html", form=form), form)


@blueprint.post("/demo", endpoint="demo")
def enter_demo() -> Answer:
    """The Demo User button."""
    if not current_app.config["DEMO_ENABLED"]:
        return redirect(url_for("auth.login"), code=303)
    return _enter_demo()


@limiter.limit("60/hour")
def _enter_demo() -> Response:
    """A private copy for this visitor; one who already has one keeps it."""
    if not (current_user.is_authenticated and current_user.is_demo):
        zone = request.form.get("timezone", "")
        user = demo.start(zone if zone in zone_names() else DEFAULT_ZONE)
        enter(user)
        demo.wait_until_full(user)
    return redirect(url_for("pages.home"), code=303)


@blueprint.post("/logout")
@login_required
def logout() -> Response:
    logout_user()
    session.clear()
    session.rotate()  # type: ignore[attr-defined]
    flash("You are logged out.", "info")
    response = redirect(url_for("auth.login"), code=303)
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


def enter(user: User) -> None:
    """Sign this user in under a new session id: an id that was known before sign-in opens nothing."""
    session.clear()
    session.rotate()  # type: ignore[attr-defined]
    login_user(user)


def profile_of(form: PersonFields) -> users.Profile:
    """The profile a validated form describes."""
    return users.Profile(
        username=form.username.data or "",
        phone_number=form.e164,
        first_name=form.first_name.data or "",
        last_name=form.last_name.data or "",
        account_type=form.account_type.data,
        timezone=form.timezone.data,
    )


def _safe_next(target: str | None) -> str:
    """Where to go after log-in: a path on this site, else the dashboard."""
    inside = (
        target is not None
        and target.startswith("/")
        and not target.startswith(("//", "/\\"))
        and target.isascii()
        and target.isprintable()
        and "\\" not in target
    )
    return target if inside and target else url_for("pages.home")
