"""Twilio's Messages API over HTTP: create, fetch, list, update and delete."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, request

from simulator.twilio import faults, rules
from simulator.twilio.answers import failure, message, success
from simulator.twilio.errors import TwilioError
from simulator.twilio.listing import page
from simulator.twilio.numbers import normalised
from simulator.twilio.service import Twilio
from simulator.twilio.texts import DONE, Text

_MESSAGES = "/Accounts/<account_sid>/Messages.json"
_MESSAGE = "/Accounts/<account_sid>/Messages/<sid>.json"
_MEDIA = "/Accounts/<account_sid>/Messages/<sid>/Media.json"
_ANY_METHOD = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def create_blueprint(twilio: Twilio) -> Blueprint:
    """Everything under /2010-04-01."""
    blueprint = Blueprint("twilio", __name__, url_prefix="/2010-04-01")
    calls = _Calls(twilio)

    def add(rule: str, method: str, endpoint: str, view: Callable[..., Response]) -> None:
        def answer(**path: str) -> Response:
            return calls.answer(endpoint, path, view)

        blueprint.add_url_rule(rule, endpoint, answer, methods=[method])

    add(_MESSAGES, "POST", "create", calls.create)
    add(_MESSAGES, "GET", "list", calls.list)
    add(_MESSAGE, "GET", "fetch", calls.fetch)
    add(_MESSAGE, "POST", "update", calls.update)
    add(_MESSAGE, "DELETE", "delete", calls.delete)
    add(_MEDIA, "GET", "media", calls.media)

    @blueprint.route("/<path:rest>", methods=_ANY_METHOD)
    def nothing(rest: str) -> Response:
        there = rest.startswith("Accounts/") and "/Messages" in rest and rest.endswith(".json")
        error = TwilioError(20004 if there else 20404)
        return failure(error.kind)

    return blueprint


class _Calls:
    """The endpoints. Each gets the account sid of its path."""

    def __init__(self, twilio: Twilio) -> None:
        self._twilio = twilio

    def answer(self, endpoint: str, path: dict[str, str], view: Callable[..., Response]) -> Response:
        """A call with its switches, credentials and errors."""
        number = self._number(endpoint, path)

        def work() -> Response:
            try:
                self._authorise(path["account_sid"], endpoint)
                return view(**path)
            except TwilioError as error:
                return failure(error.kind, error.message)

        answer = faults.around(self._twilio.switches, endpoint, number, work)
        self._twilio.note_call(endpoint, number, answer.status_code)
        return answer

    def _number(self, endpoint: str, path: dict[str, str]) -> str | None:
        """The person's number that a call is about."""
        if "sid" in path:
            text = self._twilio.texts.get(path["sid"])
            return text.person if text else None
        given = request.form if endpoint == "create" else request.args
        return normalised(given.get("To", ""))

    def _authorise(self, account_sid: str, endpoint: str) -> None:
        given = request.authorization
        account = self._twilio.account
        if given is None or given.type != "basic" or not account.knows(given.username, given.password):
            raise TwilioError(20003)
        if given.username != account_sid:
            raise TwilioError(20404, f"The requested resource {request.path} was not found")
        if self._test(account_sid) and endpoint != "create":
            raise TwilioError(20008)

    def _test(self, account_sid: str) -> bool:
        return account_sid == self._twilio.account.test_sid

    def create(self, account_sid: str) -> Response:
        test = self._test(account_sid)
        draft = rules.draft(request.form, self._twilio.account, test=test)
        return success(message(self._twilio.send(draft, test=test), account_sid), 201)

    def list(self, account_sid: str) -> Response:
        return success(page(self._twilio.texts.all(), request.args, account_sid))

    def fetch(self, account_sid: str, sid: str) -> Response:
        return success(message(self._text(sid), account_sid))

    def update(self, account_sid: str, sid: str) -> Response:
        """Blanks a body for good, or cancels what is scheduled, which here no text ever is."""
        text = self._text(sid)
        if request.form.get("Status"):
            raise TwilioError(30409)
        if request.form.get("Body", "none") != "":
            raise TwilioError(20001, "Body can only be replaced by an empty one")
        self._must_be_done(text)
        with self._twilio.texts.changing(text):
            text.body = ""
        return success(message(text, account_sid))

    def delete(self, account_sid: str, sid: str) -> Response:
        text = self._text(sid)
        self._must_be_done(text)
        self._twilio.texts.delete(text)
        return Response(status=204)

    def media(self, account_sid: str, sid: str) -> Response:
        """Texts here carry none."""
        uri = (
            f"/2010-04-01/Accounts/{account_sid}/Messages/{self._text(sid).sid}/Media.json?PageSize=50&Page=0"
        )
        return success(
            {"media_list": [], "start": 0, "end": 0, "page": 0, "page_size": 50, "uri": uri}
            | {"first_page_uri": uri, "previous_page_uri": None, "next_page_uri": None}
        )

    def _text(self, sid: str) -> Text:
        text = self._twilio.texts.get(sid)
        if text is None:
            raise TwilioError(20404, f"The requested resource {request.path} was not found")
        return text

    @staticmethod
    def _must_be_done(text: Text) -> None:
        if text.status not in DONE:
            raise TwilioError(20009)
