"""The steps of a visit: each takes what the frame sent and gives the next step, or an error in Plaid's words.

Answers are dicts: {"step": ...} with what the next pane needs, or {"error": Plaid error, "words": ErrorWords,
"status": what onExit reports}. Every answer is a 200 for HTTP: a refused login is a normal turn of the talk,
and a browser writes every 400 to the console as an error.
"""

from __future__ import annotations

from typing import Any

from simulator import institutions, logins
from simulator.errors import KINDS
from simulator.link import oauth, present, renewal
from simulator.link.flow import Visit, Visits
from simulator.link.wording import words_for
from simulator.state import State
from simulator.switches import Target

Answer = dict[str, Any]

_AT_FORM = frozenset({"INVALID_CREDENTIALS", "INSUFFICIENT_CREDENTIALS"})
_AT_MFA = frozenset({"INVALID_MFA"})
_OAUTH_LOGIN = ("user_good", "pass_good")
_MFA_STATUS = {
    "code": "requires_code",
    "device": "choose_device",
    "questions": "requires_questions",
    "selections": "requires_selections",
}


def plaid_error(error_type: str, error_code: str, message: str, display: str | None = None) -> dict[str, Any]:
    """An error as Link's callbacks carry it."""
    return {
        "error_type": error_type,
        "error_code": error_code,
        "error_message": message,
        "display_message": display,
    }


def invalid_link_token() -> Answer:
    """The token is unknown or has expired; the app must create a new one."""
    message = "the provided link token is invalid or has expired; create a new one"
    return {
        "error": plaid_error("INVALID_INPUT", "INVALID_LINK_TOKEN", message),
        "words": {"title": "", "text": "", "inline": False},
        "status": None,
    }


def out_of_order(visit: Visit) -> Answer:
    """The frame never does this: a step before an institution was chosen."""
    return _failed(visit, plaid_error("INVALID_REQUEST", "INVALID_FIELD", "no institution was chosen"))


def start(state: State, visits: Visits, link_token: object, received_redirect_uri: object = None) -> Answer:
    """Opens a visit for a link token, or goes on with the one that comes back from the bank's own page."""
    link = state.link_session(link_token) if isinstance(link_token, str) else None
    back = oauth.returning(visits, link, received_redirect_uri)
    if link is not None and back is not None:
        return _resumed(back)
    if link is None or received_redirect_uri:
        return invalid_link_token() | {
            "session": None,
            "client_name": "",
            "update_mode": False,
            "institution": None,
        }
    visit = Visit(link, started_at=state.clock.now().isoformat())
    visits.add(visit)
    chosen = (
        institutions.catalogue.get(link.institution_id) if link.update_mode and link.institution_id else None
    )
    return {
        "session": visit.link_session_id,
        "client_name": link.client_name,
        "update_mode": link.update_mode,
        "institution": present.institution(chosen) if chosen else None,
    }


def _resumed(visit: Visit) -> Answer:
    return {
        "session": visit.link_session_id,
        "client_name": visit.link.client_name,
        "update_mode": visit.link.update_mode,
        "institution": present.institution(_institution(visit)),
        "resumed": True,
    }


def search(visit: Visit, query: str) -> Answer:
    """The institutions that match, in the catalogue's order."""
    found = institutions.catalogue.search(query, visit.link.country_codes)
    return {"institutions": [present.institution(each) for each in found]}


def select(state: State, visit: Visit, institution_id: object) -> Answer:
    """The sign-in of an institution; in update mode only the Item's own one."""
    if visit.link.update_mode:
        institution_id = visit.link.institution_id
    chosen = institutions.catalogue.get(institution_id) if isinstance(institution_id, str) else None
    if chosen is None:
        return _failed(
            visit, plaid_error("INVALID_INPUT", "INVALID_INSTITUTION", "invalid institution_id provided")
        )
    visit.choose(chosen)
    missing = [product for product in visit.link.products if product not in chosen.products]
    if missing:
        message = f"the institution does not support: {', '.join(missing)}"
        error = plaid_error("ITEM_ERROR", "PRODUCTS_NOT_SUPPORTED", message)
        return _failed(visit, error, status="institution_not_supported")
    switched = state.switches.error_code("INSTITUTION_ERROR", Target(chosen.institution_id))
    if switched:
        return _failed(visit, KINDS[switched].body())
    if chosen.login_error:
        return _unhealthy(visit, chosen)
    if chosen.oauth:
        return oauth.leave_for_bank(visit) if visit.link.redirect_uri else {"step": "oauth"}
    return {
        "step": "credentials",
        "fields": present.credential_fields(chosen.asks_pin),
        "hint": present.credential_hint(chosen.asks_pin),
    }


def _unhealthy(visit: Visit, chosen: institutions.Institution) -> Answer:
    """No login can work there: said before anybody types a password."""
    error = logins.check(chosen.institution_id, "", "").error or {}
    gone = error.get("error_code") == "INSTITUTION_NO_LONGER_SUPPORTED"
    return _failed(visit, error, status="institution_not_supported" if gone else "requires_credentials")


def sign_in(state: State, visit: Visit, username: str, password: str, pin: str) -> Answer:
    """Checks what was typed and gives the second step, the accounts or an error."""
    chosen = _institution(visit)
    visit.choose(chosen)
    outcome = logins.check(chosen.institution_id, username, password, pin if chosen.asks_pin else None)
    if outcome.kind == "error" and outcome.error:
        return _failed(visit, outcome.error, inline=_AT_FORM)
    visit.username, visit.password = username, password
    if outcome.kind == "mfa" and outcome.mfa:
        visit.mfa_type, visit.rounds = outcome.mfa["type"], list(outcome.mfa["rounds"])
        return _next_round(visit)
    return _accounts(state, visit)


def grant(state: State, visit: Visit, granted: bool) -> Answer:
    """The end of the bank's own page: OAuth institutions take no special credentials."""
    chosen = _institution(visit)
    visit.choose(chosen)
    if not chosen.oauth:
        return _failed(
            visit, plaid_error("INVALID_REQUEST", "INVALID_FIELD", "the institution does not use OAuth")
        )
    if visit.oauth_state_id is not None:
        granted = visit.granted is True  # the bank's own page knows, whatever the frame says
    if not granted:
        message = "the user denied access on the institution's page"
        error = plaid_error("ITEM_ERROR", "ACCESS_NOT_GRANTED", message)
        return _failed(visit, error, status="requires_oauth")
    visit.username, visit.password = _OAUTH_LOGIN
    return _accounts(state, visit)


def answer_mfa(state: State, visit: Visit, answers: list[str]) -> Answer:
    """Checks one round of answers. A wrong one can be tried again."""
    if not visit.rounds:
        return _failed(visit, plaid_error("ITEM_ERROR", "INVALID_MFA", "no second step was asked"))
    round_ = visit.rounds[0]
    if not _accepted(round_, answers):
        kind = present.mfa_kind(visit.mfa_type, round_)
        error = plaid_error(
            "ITEM_ERROR",
            "INVALID_MFA",
            "the provided MFA response(s) were not correct",
            "The response provided was not correct.",
        )
        return _failed(visit, error, inline=_AT_MFA, status=_MFA_STATUS[kind])
    visit.rounds = visit.rounds[1:]
    return _next_round(visit) if visit.rounds else _accounts(state, visit)


def _accepted(round_: list[dict[str, Any]], answers: list[str]) -> bool:
    """A prompt without an answer of its own takes any of its options (the choice of a device)."""
    if len(answers) != len(round_):
        return False
    return all(
        given.strip() == prompt["answer"]
        if prompt.get("answer") is not None
        else given in (prompt["options"] or [])
        for prompt, given in zip(round_, answers, strict=True)
    )


def _next_round(visit: Visit) -> Answer:
    return present.mfa_step(visit.mfa_type, visit.rounds[0], _institution(visit).name)


def _offered(state: State, visit: Visit) -> list[dict[str, Any]]:
    if not visit.link.update_mode:
        visit.username, visit.password = renewal.login_of(state, visit)
        return logins.accounts(_institution(visit).institution_id, visit.username, visit.password)
    look = renewal.choices if visit.link.account_selection else renewal.shared
    return look(state, visit.link)


def _accounts(state: State, visit: Visit) -> Answer:
    """Signed in: the accounts to choose from, or the end when nothing is to be chosen (update mode)."""
    refused = renewal.refused(state, visit.link) if visit.link.update_mode else None
    if refused is not None:
        return _failed(visit, KINDS[refused].body())
    choosing = visit.link.account_selection or not visit.link.update_mode
    visit.accounts = accounts = _offered(state, visit)
    if not accounts:
        return _failed(
            visit, plaid_error("ITEM_ERROR", "NO_ACCOUNTS", "no valid accounts were found for this item")
        )
    if not choosing:
        return {"step": "finish", "accounts": [account["id"] for account in accounts]}
    return {"step": "accounts", "accounts": [present.account(each) for each in accounts]}


def finish(state: State, visit: Visit, account_ids: list[str]) -> Answer:
    """Makes the public token for the chosen accounts, with the metadata that onSuccess carries.

    Only a visit that has signed in has accounts, so none of the steps before can be left out.
    """
    chosen = _institution(visit)
    accounts = [
        {key: value for key, value in account.items() if key != "ticked"}
        for account in visit.accounts
        if account["id"] in account_ids
    ]
    if not accounts:
        return _failed(visit, plaid_error("ITEM_ERROR", "NO_ACCOUNTS", "no account was selected"))
    link = visit.link
    if state.link_session(link.link_token) is None:
        return invalid_link_token()
    try:
        public_token = _public_token(state, visit, [account["id"] for account in accounts])
    except ValueError:  # the login was linked so often meanwhile that these ids were forgotten
        return _failed(
            visit, plaid_error("API_ERROR", "INTERNAL_SERVER_ERROR", "an unexpected error occurred")
        )
    metadata = present.success_metadata(chosen, accounts, visit.link_session_id)
    state.finish_link(
        link,
        {
            "link_session_id": visit.link_session_id,
            "started_at": visit.started_at,
            "public_token": public_token,
            "accounts": accounts,
            "institution": metadata["institution"],
        },
    )
    return {
        "step": "done",
        "public_token": public_token,
        "metadata": metadata,
        "summary": present.summary(len(accounts), chosen.name, link.client_name),
    }


def _public_token(state: State, visit: Visit, account_ids: list[str]) -> str:
    """In update mode `state` repairs the Item of the link token; there is nothing to exchange afterwards."""
    link = visit.link
    if link.update_mode and link.account_selection:
        return renewal.share(state, link, account_ids)
    if link.update_mode:
        return renewal.renewed(state, link)
    return state.create_public_token(
        link.environment,
        _institution(visit).institution_id,
        visit.username,
        visit.password,
        link.products,
        account_ids,
        link.link_token,
    )


def _institution(visit: Visit) -> institutions.Institution:
    if visit.institution is None:
        raise LookupError("no institution was chosen")
    return visit.institution


def _failed(
    visit: Visit,
    error: dict[str, Any],
    *,
    inline: frozenset[str] = frozenset(),
    status: str = "requires_credentials",
) -> Answer:
    name = visit.institution.name if visit.institution else "This institution"
    shown = {key: error.get(key) for key in ("error_type", "error_code", "error_message", "display_message")}
    return {"error": shown, "words": words_for(shown, name, inline_codes=inline), "status": status}
