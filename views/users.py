"""A person's own profile. Every change needs the password."""

from __future__ import annotations

from flask import Blueprint, current_app, flash, redirect, render_template, request, session, url_for
from flask_login import login_required, login_user, logout_user
from werkzeug.wrappers import Response

from domain.errors import Forbidden
from domain.phones import pretty
from forms import ChangePasswordForm, DeleteProfileForm, ProfileForm
from models import User
from services import users
from services.throttling import TooManyGuesses
from views import device_cookie
from views.auth import profile_of
from views.http import form_answer, person, too_soon

blueprint = Blueprint("users", __name__, url_prefix="/users")

Answer = str | Response | tuple[str, int] | tuple[str, int, dict[str, str]]
WRONG_PASSWORD = "That is not your current password."  # noqa: S105


@blueprint.route("/update-profile", methods=["GET", "POST"])
@login_required
def update_profile() -> Answer:
    user = person()
    _refuse_demo_change(user)
    locked = users.linked_count(user) > 0
    form = ProfileForm(obj=None, data=_current(user), account_types=_offered(user))
    if locked:
        form.account_type.data = user.account_type
    if request.method == "POST" and form.validate_on_submit() and _confirmed(user, form):
        try:
            users.update_profile(user, profile_of(form))
        except users.UsernameTaken as error:
            form.username.errors = [error.message]
        except users.AccountTypeLocked as error:
            form.account_type.errors = [error.message]
        else:
            flash("Your profile is saved.", "success")
            return redirect(url_for("pages.home"), code=303)
    page = render_template("users/update_profile.html", form=form, account_type_locked=locked)
    return form_answer(page, form)


@blueprint.route("/change-password", methods=["GET", "POST"])
@login_required
def change_password() -> Answer:
    user = person()
    _refuse_demo_change(user)
    form = ChangePasswordForm()
    form.own_name = user.username
    if request.method == "POST" and form.validate_on_submit() and _confirmed(user, form):
        users.change_password(user, form.new_password.data or "", session.token)  # type: ignore[attr-defined]
        session.rotate()  # type: ignore[attr-defined]
        login_user(user)  # this browser goes on under the new password
        device_cookie.remember(user)
        flash("Your password is changed. Other devices have been logged out.", "success")
        return redirect(url_for("pages.home"), code=303)
    page = render_template("users/change_password.html", form=form)
    return form_answer(page, form)


@blueprint.route("/delete", methods=["GET", "POST"])
@login_required
def delete() -> Answer:
    user = person()
    _refuse_demo_change(user)
    form = DeleteProfileForm()
    if request.method == "POST" and form.validate_on_submit() and _confirmed(user, form):
        users.delete_user(user)
        logout_user()
        session.clear()
        session.rotate()  # type: ignore[attr-defined]
        flash("Your profile and everything in it are deleted.", "info")
        return redirect(url_for("pages.home"), code=303)
    will_go = {"institutions": users.linked_count(user), "accounts": users.account_count(user)}
    page = render_template("users/delete.html", form=form, will_go=will_go)
    return form_answer(page, form)


def _confirmed(user: User, form: ProfileForm | ChangePasswordForm | DeleteProfileForm) -> bool:
    """Check the password that confirms a change; a wrong one is said beside its field, too many at the top."""
    try:
        if users.confirm_password(user, form.current_password.data or ""):
            return True
        form.current_password.errors = [WRONG_PASSWORD]
    except TooManyGuesses as error:
        too_soon(form, error)
    return False


def _refuse_demo_change(user: User) -> None:
    if user.is_demo and request.method == "POST":
        raise Forbidden("The demo's profile stays as it is. Sign up to have your own.", code="demo")


def _current(user: User) -> dict[str, str]:
    return {
        "username": user.username,
        "phone_number": pretty(user.phone_number),
        "first_name": user.first_name,
        "last_name": user.last_name,
        "account_type": user.account_type,
        "timezone": user.timezone,
    }


def _offered(user: User) -> list[str]:
    """What this site has keys for, and what the person already has."""
    return list({*current_app.config["SETTINGS"].account_types_offered, user.account_type})
