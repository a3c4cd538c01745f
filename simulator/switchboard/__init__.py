"""The switchboard: a page for people with the scenarios, the switches and the linked Items.

Everything works without scripts: a button posts a form, does what the switches by HTTP do, and the browser is sent
back to the page, which says what happened.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from simulator import control
from simulator.control import Wrong
from simulator.errors import PlaidError
from simulator.institutions import catalogue
from simulator.plaid.sandbox import FIRED, ask_to_log_in, fire
from simulator.records import Item
from simulator.scenarios import SCENARIOS, NotPossible, Unknown, play
from simulator.state import State
from simulator.switchboard import forms, present
from simulator.switchboard.notes import Note, Notes

__all__ = ["create_blueprint"]

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_FINISH = "back_to_normal"


def create_blueprint(state: State) -> Blueprint:
    """GET /switchboard, and a POST under it for each of its buttons."""
    blueprint = Blueprint(
        "switchboard",
        __name__,
        url_prefix="/switchboard",
        template_folder="templates",
        static_folder="static",
        static_url_path="/assets",
    )
    blueprint.before_request(control.refuse_other_sites)
    notes = Notes()
    _add_page(blueprint, state, notes)
    _add_buttons(blueprint, state, notes)
    return blueprint


def _add_page(blueprint: Blueprint, state: State, notes: Notes) -> None:
    @blueprint.get("")
    def page() -> Response:
        linked = present.items(state)
        html = render_template(
            "switchboard/index.html",
            note=notes.get(request.args.get("note", "")),
            scenarios=[each for each in SCENARIOS.values() if each.name != _FINISH],
            finish=SCENARIOS[_FINISH],
            switches=[present.switch_words(each, state) for each in state.switches.all()],
            latency_ms=state.switches.latency_ms,
            items=[present.item_words(each, state) for each in linked[: present.MOST_ITEMS]],
            more_items=max(0, len(linked) - present.MOST_ITEMS),
            choices=present.item_choices(state),
            chosen=request.args.get("item", ""),
            institutions=catalogue.all(),
            kinds=present.KINDS_IN_WORDS,
            codes=present.codes_by_type(),
            endpoints=sorted(control.paths()),
            webhook_codes=sorted(FIRED),
            webhooks=present.webhook_words(state),
        )
        return Response(html, headers=_HEADERS | {"Cache-Control": "no-store"})


def _add_buttons(blueprint: Blueprint, state: State, notes: Notes) -> None:
    def button(path: str, press: Callable[..., Note], section: str) -> None:
        """A POST that does something and comes back to the section of the page that tells of it. What could not be
        done is told in the section where the button is.
        """

        def view(**named: str) -> AnyResponse:
            try:
                note = press(**named)
            except (Wrong, Unknown, NotPossible) as wrong:
                note = Note(_sentence(str(wrong)), section, good=False)
            item = request.form.get("item") or None
            back = url_for("switchboard.page", note=notes.keep(note), item=item, _anchor=note.at)
            return redirect(back, 303)

        blueprint.add_url_rule(path, path.split("/")[1], view, methods=["POST"])

    button("/play/<name>", lambda name: _played(state, name), "scenarios")
    button("/add", lambda: _added(state), "add")
    button("/lift/<id_>", lambda id_: _lifted(state, id_), "on")
    button("/lift-all", lambda: _lifted_all(state), "on")
    button("/reset-login", lambda: _reset(state), "items")
    button("/webhook", lambda: _fired(state), "items")


# The buttons


def _played(state: State, name: str) -> Note:
    played = play(state, name, None if name == _FINISH else request.form.get("item") or None)
    return Note(played.happened, "scenarios", look=played.scenario.look)


def _added(state: State) -> Note:
    switch = state.switches.add(control.read(state, control.paths(), forms.switch_body(request.form)))
    words = present.switch_words(switch, state)
    return Note(f"{words['what']}: {words['where']}, {words['lasts']}.", "on")


def _lifted(state: State, id_: str) -> Note:
    return Note("It is lifted." if state.switches.lift(id_) else "That switch was off already.", "on")


def _lifted_all(state: State) -> Note:
    count = state.switches.lift_all()
    return Note(f"{count} switch{' is' if count == 1 else 'es are'} lifted.", "on")


def _reset(state: State) -> Note:
    item = _item(state)
    ask_to_log_in(state, item)
    name = present.bank_name(item.institution_id)
    return Note(
        f"{name} now asks to sign in again.", "items", look=SCENARIOS["bank_asks_to_log_in_again"].look
    )


def _fired(state: State) -> Note:
    item, code = _item(state), request.form.get("code", "")
    try:
        fire(state, item, code)
    except PlaidError:
        raise Wrong("this Item has no address for webhooks, or there is no such webhook") from None
    return Note(f"{code} is on its way; reload the page to see what became of it.", "webhooks")


def _item(state: State) -> Item:
    """The Item that the form names. Wrong when it is gone."""
    wanted = request.form.get("item")
    found = next((each for each in state.live_items() if each.item_id == wanted), None)
    if found is None:
        raise Wrong("this Item is not linked any more")
    return found


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."
