"""Link in update mode as its frame drives it: choosing accounts, an end that is renewed, and a bank's own page."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

import pytest

from tests.simulator.bank import Bank
from tests.simulator.controls import ask
from tests.simulator.link_harness import Simulator

BACK = "http://127.0.0.1:5999/oauth-return"
WHO = {"client_name": "CashView", "language": "en", "country_codes": ["US"], "user": {"client_user_id": "7"}}


@pytest.fixture(scope="module")
def simulator():
    with Simulator() as process:
        yield process


@pytest.fixture
def bank(simulator) -> Bank:
    return Bank(simulator)


class Frame:
    """What the frame sends, one step after another."""

    def __init__(self, simulator: Simulator, link_token: str, **more: str) -> None:
        self._simulator = simulator
        self.started = self._post("start", {"link_token": link_token, **more})
        self.session = self.started["session"]

    def _post(self, step: str, body: dict[str, Any]) -> dict[str, Any]:
        status, answer = self._simulator.post(f"/link/api/{step}", body)
        assert status == 200, answer
        return answer

    def __call__(self, step: str, **body: Any) -> dict[str, Any]:
        return self._post(step, {"session": self.session, **body})

    def sign_in(self) -> dict[str, Any]:
        self("select", institution_id=None)
        return self("credentials", username="user_good", password="pass_good")


def token_for(bank: Bank, **more: Any) -> str:
    return bank.call("/link/token/create", **{**WHO, **more})["link_token"]


def item_id(bank: Bank, token: str) -> str:
    return bank.call("/item/get", access_token=token)["item"]["item_id"]


def choosing(bank: Bank, token: str) -> str:
    return token_for(bank, access_token=token, update={"account_selection_enabled": True})


def test_the_accounts_that_are_shared_are_ticked_and_have_their_ids(simulator, bank):
    token = bank.link("ins_109508")
    step = Frame(simulator, choosing(bank, token)).sign_in()
    assert step["step"] == "accounts"
    assert {each["id"] for each in step["accounts"]} == set(bank.accounts(token))
    assert all(each["ticked"] for each in step["accounts"])


def test_what_was_found_is_shown_only_when_it_is_chosen_and_what_is_unticked_goes(simulator, bank):
    token = bank.ready("ins_109508")
    before = bank.accounts(token)
    where = {"item_id": item_id(bank, token)}
    assert ask(simulator, "POST", "/scenarios/a_new_account_is_found", where)[0] == 200
    assert bank.accounts(token) == before
    frame = Frame(simulator, choosing(bank, token))
    offered = {each["name"]: each["id"] for each in frame.sign_in()["accounts"]}
    assert len(offered) == len(before) + 1
    chosen = [id_ for name, id_ in offered.items() if name != "Plaid Checking"]
    done = frame("finish", accounts=chosen)
    assert done["step"] == "done"
    assert {each["id"] for each in done["metadata"]["accounts"]} == set(chosen)
    assert all("ticked" not in each for each in done["metadata"]["accounts"])
    now = bank.accounts(token)
    assert set(now) == set(chosen)
    assert {each["name"] for each in now.values()} - {each["name"] for each in before.values()} == {
        "Holiday Savings"
    }
    page = bank.call("/transactions/sync", access_token=token, count=500)
    assert offered["Plaid Checking"] not in {row["account_id"] for row in page["added"]}
    assert item_id(bank, token) == where["item_id"]

    again = Frame(simulator, choosing(bank, token)).sign_in()
    assert [each["name"] for each in again["accounts"] if not each["ticked"]] == ["Plaid Checking"]


def test_an_end_is_told_with_the_item_until_it_is_renewed(simulator, bank):
    token = bank.link("ins_109508")
    where = {"item_id": item_id(bank, token)}
    assert ask(simulator, "POST", "/scenarios/access_expires_soon", where)[0] == 200
    for path in ("/item/get", "/accounts/get", "/accounts/balance/get"):
        assert bank.call(path, access_token=token)["item"]["consent_expiration_time"].endswith("Z")
    frame = Frame(simulator, token_for(bank, access_token=token))
    step = frame.sign_in()
    frame("finish", accounts=step["accounts"])
    assert bank.call("/item/get", access_token=token)["item"]["consent_expiration_time"] is None


# A bank's own page


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: Any) -> None:
        return None


def press(simulator: Simulator, path: str, granted: str) -> tuple[int, str]:
    """A button on the bank's page: status and where it leads."""
    query = urllib.parse.urlsplit(path).query
    body = f"{query}&granted={granted}".encode()
    opener = urllib.request.build_opener(NoRedirect)
    try:
        opener.open(simulator.url + "/link/oauth/bank", body)
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, answer.headers.get("Location", "")
    raise AssertionError("it should have led somewhere")


def leave(simulator: Simulator, bank: Bank) -> tuple[str, Frame, str]:
    link_token = token_for(bank, products=["transactions"], redirect_uri=BACK)
    frame = Frame(simulator, link_token)
    step = frame("select", institution_id="ins_127287")
    assert step["step"] == "redirect"
    return link_token, frame, step["path"]


def test_link_goes_on_after_the_banks_page_with_the_same_token(simulator, bank):
    link_token, frame, path = leave(simulator, bank)
    status, address = press(simulator, path, "yes")
    assert status == 303
    assert address.startswith(f"{BACK}?oauth_state_id=")
    back = Frame(simulator, link_token, received_redirect_uri=address)
    assert (back.started["resumed"], back.session) == (True, frame.session)
    step = back("oauth", granted=False)
    assert step["step"] == "accounts", "what was said at the bank counts, not what the frame says"
    done = back("finish", accounts=[each["id"] for each in step["accounts"]])
    assert bank.call("/item/public_token/exchange", public_token=done["public_token"])["access_token"]


def test_no_at_the_bank_is_no(simulator, bank):
    link_token, _, path = leave(simulator, bank)
    _, address = press(simulator, path, "no")
    back = Frame(simulator, link_token, received_redirect_uri=address)
    assert back("oauth", granted=True)["error"]["error_code"] == "ACCESS_NOT_GRANTED"


def test_nobody_goes_on_with_another_token_another_page_or_without_an_answer(simulator, bank):
    link_token, _, path = leave(simulator, bank)
    early = f"{BACK}?{urllib.parse.urlsplit(path).query}"
    refused = Frame(simulator, link_token, received_redirect_uri=early)
    assert refused.started["error"]["error_code"] == "INVALID_LINK_TOKEN"
    _, address = press(simulator, path, "yes")
    other = token_for(bank, products=["transactions"], redirect_uri=BACK)
    for token, received in (
        (other, address),
        (link_token, f"{address}&more=1"),
        (link_token, address.replace("oauth-return", "elsewhere")),
        (link_token, f"{BACK}?oauth_state_id=unknown"),
        (link_token, BACK),
    ):
        frame = Frame(simulator, token, received_redirect_uri=received)
        assert frame.started["error"]["error_code"] == "INVALID_LINK_TOKEN", received


def test_the_banks_page_is_there_only_for_who_was_sent(simulator):
    for query in ("", "?oauth_state_id=unknown"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{simulator.url}/link/oauth/bank{query}")
        with refused.value:
            assert refused.value.code == 404


@pytest.mark.parametrize(
    "selection", [{}, {"update": {"account_selection_enabled": True}}], ids=["plain", "choosing"]
)
def test_a_bank_that_wants_a_new_link_refuses_update_mode_and_gives_new_ids(simulator, bank, selection):
    token = bank.ready("ins_109508")
    before, id_ = bank.accounts(token), item_id(bank, token)
    assert ask(simulator, "POST", "/scenarios/bank_wants_a_new_link", {"item_id": id_})[0] == 200
    assert error_of(bank, token) == "ITEM_LOGIN_REQUIRED"
    refused = Frame(simulator, token_for(bank, access_token=token, **selection)).sign_in()
    assert refused["error"]["error_code"] == "INVALID_UPDATED_USERNAME"
    assert "anew" in refused["words"]["text"]
    assert error_of(bank, token) == "INVALID_UPDATED_USERNAME"

    anew = bank.accounts(bank.ready("ins_109508"))
    assert not set(anew) & set(before)
    assert [each["mask"] for each in anew.values()] == [each["mask"] for each in before.values()]
    assert error_of(bank, token) == "INVALID_UPDATED_USERNAME"

    assert ask(simulator, "POST", "/scenarios/back_to_normal", {"item_id": id_})[0] == 200
    assert error_of(bank, token) is None
    assert Frame(simulator, token_for(bank, access_token=token)).sign_in()["step"] == "finish"


DEMO = json.dumps(
    {"override_accounts": [{"type": "depository", "subtype": "checking", "starting_balance": 77}]}
)


def test_whom_a_bank_has_refused_finds_the_same_accounts_when_linking_anew(simulator, bank):
    """The demo's banks are linked without Link, with logins that nobody types."""
    public = bank.call(
        "/sandbox/public_token/create",
        institution_id="ins_109508",
        initial_products=["transactions"],
        options={"override_username": "user_custom", "override_password": DEMO},
    )["public_token"]
    token = bank.call("/item/public_token/exchange", public_token=public)["access_token"]
    before, id_ = bank.accounts(token), item_id(bank, token)
    assert len(before) == 1
    assert ask(simulator, "POST", "/scenarios/bank_wants_a_new_link", {"item_id": id_})[0] == 200
    Frame(simulator, token_for(bank, access_token=token)).sign_in()

    def shown(person: str) -> list[str]:
        opened = token_for(bank, products=["transactions"], user={"client_user_id": person})
        frame = Frame(simulator, opened)
        frame("select", institution_id="ins_109508")
        signed_in = frame("credentials", username="user_good", password="pass_good")
        return [each["name"] for each in signed_in["accounts"]]

    assert shown("7") == [each["name"] for each in before.values()]
    assert len(shown("8")) > 1, "somebody else's login is their own"
    assert ask(simulator, "POST", "/scenarios/back_to_normal", {"item_id": id_})[0] == 200
    assert len(shown("7")) > 1


def error_of(bank: Bank, token: str) -> str | None:
    error = bank.call("/item/get", access_token=token)["item"]["error"]
    return error["error_code"] if error else None
