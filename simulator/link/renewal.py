"""Update mode with a choice of accounts: those the Item has, and one that the bank has found since."""

from __future__ import annotations

from typing import Any

from simulator.link.flow import Visit
from simulator.lives.model import Account
from simulator.plaid import shown
from simulator.plaid.render import account_id
from simulator.records import Item, LinkSession
from simulator.state import State
from simulator.switches import Switch


def _item(state: State, link: LinkSession) -> Item:
    return state.item(link.environment, link.access_token or "")


def refused(state: State, link: LinkSession) -> str | None:
    """The code of the error when the bank lets nobody renew this Item, which the Item is in from then on."""
    item = _item(state, link)
    if not item.must_be_linked_anew:
        return None
    with state.changing(item):
        item.error_code = "INVALID_UPDATED_USERNAME"
        item.person = link.user_id
    return item.error_code


def login_of(state: State, visit: Visit) -> tuple[str, str]:
    """Username and password that a new link is made with: those that were typed; but whom the bank has refused to
    renew a connection finds their own accounts again, as at a bank. (The demo's have logins that nobody can type.)"""
    if visit.username == "user_good" and visit.link.user_id is not None:
        for item in reversed(state.live_items()):
            if item.must_be_linked_anew and _is_of(item, visit):
                login = state.login(item)
                return login.username, login.password
    return visit.username, visit.password


def _is_of(item: Item, visit: Visit) -> bool:
    """Whether the Item is one of the visitor's at the institution they are at."""
    here = visit.institution.institution_id if visit.institution else None
    asked = (visit.link.user_id, visit.link.environment, here)
    return (item.person, item.environment, item.institution_id) == asked


def choices(state: State, link: LinkSession) -> list[dict[str, Any]]:
    """The accounts to tick, with the ids they have; what is shared today is ticked."""
    item = _item(state, link)
    known = [account for account, _ in shown.at_the_bank(state, item)]
    found = shown.found(state, item)
    offered = [*known, *([found] if found else [])]
    return [_choice(item, account) for account in offered]


def shared(state: State, link: LinkSession) -> list[dict[str, Any]]:
    """The accounts that are shared today, whoever signs in: nothing is chosen."""
    item = _item(state, link)
    return [
        _choice(item, account)
        for account, _ in shown.at_the_bank(state, item)
        if account.key not in item.hidden
    ]


def renewed(state: State, link: LinkSession) -> str:
    """The public token that Link hands over when nothing was chosen."""
    return state.renew(_item(state, link))


def _choice(item: Item, account: Account) -> dict[str, Any]:
    return {
        "id": account_id(item, account.key),
        "name": account.name,
        "mask": account.mask,
        "type": account.type,
        "subtype": account.subtype,
        "verification_status": None,
        "class_type": None,
        "ticked": account.key not in item.hidden,
    }


def share(state: State, link: LinkSession, account_ids: list[str]) -> str:
    """Shares the ticked accounts from now on; the public token that Link hands over."""
    item = _item(state, link)
    known = {account_id(item, account.key): account.key for account, _ in shown.at_the_bank(state, item)}
    found = shown.found(state, item)
    with state.changing(item):
        item.hidden = [key for id_, key in known.items() if id_ not in account_ids]
        item.found = False
    if found is not None and account_id(item, found.key) in account_ids:
        state.switches.add(Switch(kind="account_appears", item_id=item.item_id))
    return state.renew(item)
