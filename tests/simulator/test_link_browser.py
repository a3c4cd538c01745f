"""SimLink in a real browser: every way through it, as a person and as the embedding page see it."""

from __future__ import annotations

import pytest

from tests.simulator.link_harness import Simulator, launch, running_host, visiting

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def simulator():
    with Simulator() as running:
        yield running


@pytest.fixture(scope="module")
def host(simulator):
    with running_host(simulator.url) as origin:
        yield origin


@pytest.fixture(scope="module")
def chromium(playwright):
    browser = launch(playwright)
    yield browser
    browser.close()


@pytest.fixture
def visitor(chromium, simulator, host):
    with visiting(chromium, simulator, host) as person:
        yield person


ACCOUNT_KEYS = {"id", "name", "mask", "type", "subtype", "verification_status", "class_type"}


def test_linking_a_bank_ends_in_on_success_with_the_documented_metadata(visitor, simulator):
    visitor.to_accounts()

    public_token, metadata = visitor.complete()

    assert public_token.startswith("public-sandbox-")
    assert metadata["institution"] == {"name": "First Platypus Bank", "institution_id": "ins_109508"}
    assert metadata["transfer_status"] is None
    assert metadata["link_session_id"]
    assert all(set(account) == ACCOUNT_KEYS for account in metadata["accounts"])
    linked = simulator.accounts_of(public_token)
    shown = {(account["id"], account["name"], account["mask"]) for account in metadata["accounts"]}
    assert shown == {(account["account_id"], account["name"], account["mask"]) for account in linked}
    assert not visitor.overlay_shown()
    assert visitor.calls("onExit") == []


def test_the_events_of_a_happy_path_come_in_order(visitor):
    visitor.to_accounts()
    visitor.complete()

    story = [metadata["view_name"] or name for name, metadata in visitor.events()]
    assert [part for part in story if part not in {"SEARCH_INSTITUTION", "LOADING"}] == [
        "OPEN",
        "CONSENT",
        "SELECT_INSTITUTION",  # the pane
        "SELECT_INSTITUTION",  # the choice
        "CREDENTIAL",
        "SUBMIT_CREDENTIALS",
        "SELECT_ACCOUNT",
        "CONNECTED",
        "HANDOFF",
    ]
    assert len({metadata["link_session_id"] for _, metadata in visitor.events()}) == 1
    chosen = next(metadata for name, metadata in visitor.events() if name == "SELECT_INSTITUTION")
    assert chosen["institution_id"] == "ins_109508"
    assert chosen["institution_search_query"] == "First Platypus Bank"
    order = [call["name"] for call in visitor.page.evaluate("calls")]
    assert order[0] == "onLoad"
    assert order[-1] == "onSuccess"


def test_search_narrows_the_list_and_says_when_nothing_is_found(visitor):
    visitor.open()
    visitor.to_list()
    institutions = visitor.link.get_by_role("list", name="Institutions").get_by_role("listitem")
    assert institutions.count() >= 10

    search = visitor.link.get_by_role("searchbox", name="Search institutions")
    search.fill("houndst")
    visitor.link.get_by_text("1 institution", exact=True).wait_for()
    assert institutions.count() == 1
    search.fill("no bank is called so")
    visitor.link.get_by_text("Nothing found for “no bank is called so”.").wait_for()
    assert institutions.count() == 0

    searches = [metadata for name, metadata in visitor.events() if name == "SEARCH_INSTITUTION"]
    assert [metadata["institution_search_query"] for metadata in searches] == [
        "houndst",
        "no bank is called so",
    ]


def test_an_institution_that_is_not_listed_is_an_exit_without_an_error(visitor):
    visitor.open()
    visitor.to_list()
    visitor.press("My institution isn't listed")
    visitor.heading("Your institution isn't here")
    visitor.press("Exit")

    error, metadata = visitor.wait_for_call("onExit")
    assert error is None
    assert metadata["status"] == "institution_not_found"
    assert metadata["institution"] is None


def test_wrong_credentials_are_told_at_the_form_and_can_be_corrected(visitor):
    visitor.to_sign_in()
    visitor.sign_in(password="not the password")

    alert = visitor.link.get_by_role("alert")
    alert.filter(has_text="The credentials you provided were incorrect").wait_for()
    username = visitor.link.get_by_label("Username")
    assert username.input_value() == "user_good"
    assert visitor.link.get_by_label("Password", exact=True).input_value() == ""
    assert username.get_attribute("aria-invalid") == "true"
    assert alert.get_attribute("id") in username.get_attribute("aria-describedby").split()

    visitor.sign_in()
    visitor.complete()
    errors = [metadata["error_code"] for name, metadata in visitor.events() if name == "ERROR"]
    assert errors == ["INVALID_CREDENTIALS"]


def test_leaving_after_wrong_credentials_reports_them(visitor):
    visitor.to_sign_in()
    visitor.sign_in(password="not the password")
    visitor.link.get_by_role("alert").wait_for()
    visitor.press("Close")
    visitor.press("Leave")

    error, metadata = visitor.wait_for_call("onExit")
    assert (error["error_type"], error["error_code"]) == ("ITEM_ERROR", "INVALID_CREDENTIALS")
    assert metadata["status"] == "requires_credentials"


def test_a_password_can_be_looked_at(visitor):
    visitor.to_sign_in()
    password = visitor.link.get_by_label("Password", exact=True)
    password.fill("pass_good")
    visitor.press("Show Password")
    assert password.get_attribute("type") == "text"
    visitor.press("Hide Password")
    assert password.get_attribute("type") == "password"


def test_empty_fields_are_named_before_anything_is_sent(visitor):
    visitor.to_sign_in()
    visitor.press("Submit")

    for label, words in (("Username", "Enter your username."), ("Password", "Enter your password.")):
        field = visitor.link.get_by_label(label, exact=True)
        said = visitor.link.locator(f"#{field.get_attribute('aria-describedby')}")
        assert said.inner_text() == words
    assert "SUBMIT_CREDENTIALS" not in [name for name, _ in visitor.events()]


@pytest.mark.parametrize(
    "code, error_type, words",
    [
        ("ITEM_LOCKED", "ITEM_ERROR", "Your account at First Platypus Bank is locked"),
        ("INSTITUTION_DOWN", "INSTITUTION_ERROR", "First Platypus Bank is not reachable"),
        ("INTERNAL_SERVER_ERROR", "API_ERROR", "Something went wrong"),
    ],
)
def test_an_error_password_shows_its_pane_and_exit_reports_the_error(visitor, code, error_type, words):
    visitor.to_sign_in()
    visitor.sign_in(password=f"error_{code}")
    visitor.heading(words)
    visitor.press("Exit")

    error, metadata = visitor.wait_for_call("onExit")
    assert (error["error_type"], error["error_code"]) == (error_type, code)
    assert set(error) == {"error_type", "error_code", "error_message", "display_message"}
    assert set(metadata) == {"institution", "status", "link_session_id", "request_id"}
    assert metadata["status"] == "requires_credentials"
    assert metadata["institution"]["institution_id"] == "ins_109508"
    assert visitor.calls("onSuccess") == []


@pytest.mark.parametrize(
    "institution, words, code, status",
    [
        (
            "Unhealthy Platypus Bank - Down",
            "Unhealthy Platypus Bank - Down is not reachable",
            "INSTITUTION_DOWN",
            "requires_credentials",
        ),
        (
            "Unsupported Platypus Bank",
            "Unsupported Platypus Bank can't be connected any more",
            "INSTITUTION_NO_LONGER_SUPPORTED",
            "institution_not_supported",
        ),
    ],
)
def test_an_institution_that_can_not_work_says_so_before_a_password(
    visitor, institution, words, code, status
):
    visitor.open()
    visitor.to_list()
    visitor.choose(institution)
    visitor.heading(words)
    visitor.press("Exit")

    error, metadata = visitor.wait_for_call("onExit")
    assert error["error_code"] == code
    assert metadata["status"] == status
    assert metadata["institution"]["name"] == institution


def test_two_people_may_link_the_same_login_at_once(visitor, chromium, simulator, host):
    visitor.to_accounts()
    with visiting(chromium, simulator, host) as other:
        other.to_accounts()
        other.complete()

    public_token, metadata = visitor.complete()
    names = [account["name"] for account in metadata["accounts"]]
    assert [account["name"] for account in simulator.accounts_of(public_token)] == names


def test_after_an_error_another_institution_can_be_linked(visitor):
    visitor.to_sign_in()
    visitor.sign_in(password="error_NO_ACCOUNTS")
    visitor.press("Try another institution")
    visitor.choose("Tartan Bank")
    visitor.sign_in()

    _, metadata = visitor.complete()
    assert metadata["institution"]["name"] == "Tartan Bank"


def test_a_device_is_chosen_and_the_code_checked(visitor):
    visitor.to_sign_in()
    visitor.sign_in(password="mfa_device")
    visitor.link.get_by_role("radio").first.check()
    visitor.press("Continue")
    visitor.heading("Enter your code")
    code = visitor.link.get_by_role("textbox")
    code.fill("9999")
    visitor.press("Continue")
    visitor.link.get_by_role("alert").filter(has_text="not accepted").wait_for()
    code.fill("1234")
    visitor.press("Continue")
    visitor.complete()

    asked = [metadata["mfa_type"] for name, metadata in visitor.events() if name == "SUBMIT_MFA"]
    assert asked == ["device", "code", "code"]
    assert "INVALID_MFA" in [metadata["error_code"] for name, metadata in visitor.events() if name == "ERROR"]


def test_questions_are_asked_in_rounds(visitor):
    visitor.to_sign_in()
    visitor.sign_in(password="mfa_questions_2_3")
    for round_ in range(2):
        answers = visitor.link.get_by_role("textbox")
        visitor.link.get_by_text(f"answer_{round_}_0").wait_for()  # the simulator tells the answers
        assert answers.count() == 3
        for index in range(3):
            answers.nth(index).fill(f"answer_{round_}_{index}")
        visitor.press("Continue")
    visitor.complete()


def test_selections_must_be_made_and_right(visitor):
    visitor.to_sign_in()
    visitor.sign_in(password="mfa_selections")
    visitor.heading("Choose your answers")
    visitor.press("Continue")
    visitor.link.get_by_text("Choose an answer.").first.wait_for()
    for group in visitor.link.get_by_role("group").all():
        group.get_by_role("radio", name="Yes", exact=True).check()
    visitor.press("Continue")
    visitor.complete()


def test_an_institution_may_ask_for_a_pin(visitor):
    visitor.to_sign_in("Pin & Pebble Bank")
    visitor.sign_in(pin="0000")
    visitor.link.get_by_role("alert").filter(has_text="incorrect").wait_for()
    visitor.sign_in(pin="1234")
    visitor.complete()


def test_only_the_ticked_accounts_are_shared(visitor, simulator):
    visitor.to_accounts()
    first = visitor.link.get_by_role("checkbox").first
    assert all(box.is_checked() for box in visitor.link.get_by_role("checkbox").all())
    first.uncheck()
    public_token, metadata = visitor.complete()

    linked = simulator.accounts_of(public_token)
    shared = {account["id"] for account in metadata["accounts"]}
    assert {account["account_id"] for account in linked} == shared
    assert "Plaid Checking" not in {account["name"] for account in linked}


def test_one_account_must_stay_ticked(visitor):
    visitor.to_accounts()
    visitor.press("Untick all")
    visitor.press("Continue")
    visitor.link.get_by_role("alert").filter(has_text="Choose at least one account.").wait_for()
    assert visitor.calls("onSuccess") == []


def test_the_bank_s_own_page_can_allow_or_refuse(visitor):
    visitor.open()
    visitor.to_list()
    visitor.choose("Platypus OAuth Bank")
    visitor.press("Don't allow")
    visitor.heading("Access was not granted")
    visitor.press("Try another institution")
    visitor.choose("Platypus OAuth Bank")
    visitor.press("Allow")
    _, metadata = visitor.complete()

    assert metadata["institution"]["institution_id"] == "ins_127287"
    told = [name for name, _ in visitor.events() if "OAUTH" in name]
    assert told == ["OPEN_OAUTH", "FAIL_OAUTH", "OPEN_OAUTH", "CLOSE_OAUTH"]


def _at_consent(visitor):
    visitor.open()
    visitor.heading("CashView uses SimLink to connect your account")


def _at_list(visitor):
    visitor.open()
    visitor.to_list()


def _at_oauth(visitor):
    _at_list(visitor)
    visitor.choose("Platypus OAuth Bank")
    visitor.heading("Share your accounts with CashView?")


def _at_device(visitor):
    visitor.to_sign_in()
    visitor.sign_in(password="mfa_device")
    visitor.heading("Where should the code go?")


def _at_questions(visitor):
    visitor.to_sign_in()
    visitor.sign_in(password="mfa_questions_1_1")
    visitor.heading("Answer a few questions")


def _at_selections(visitor):
    visitor.to_sign_in()
    visitor.sign_in(password="mfa_selections")
    visitor.heading("Choose your answers")


@pytest.mark.parametrize(
    "go, status",
    [
        pytest.param(_at_consent, None, id="consent"),
        pytest.param(_at_list, "institution_not_found", id="list"),
        pytest.param(lambda visitor: visitor.to_sign_in(), "requires_credentials", id="credentials"),
        pytest.param(_at_oauth, "requires_oauth", id="oauth"),
        pytest.param(_at_device, "choose_device", id="device"),
        pytest.param(_at_questions, "requires_questions", id="questions"),
        pytest.param(_at_selections, "requires_selections", id="selections"),
        pytest.param(lambda visitor: visitor.to_accounts(), "requires_account_selection", id="accounts"),
    ],
)
def test_closing_early_asks_first_and_then_exits_without_an_error(visitor, go, status):
    go(visitor)
    visitor.press("Close")
    visitor.press("Keep going")
    assert visitor.overlay_shown()
    visitor.press("Close")
    visitor.press("Leave")

    error, metadata = visitor.wait_for_call("onExit")
    assert error is None
    assert metadata["status"] == status
    assert metadata["link_session_id"] == visitor.events()[0][1]["link_session_id"]
    assert visitor.events()[-1][0] == "EXIT"
    assert visitor.events()[-1][1]["exit_status"] == status
    assert visitor.calls("onSuccess") == []
    assert not visitor.overlay_shown()


def test_closing_a_finished_connection_hands_it_over(visitor):
    visitor.to_accounts()
    visitor.press("Continue")
    visitor.heading("Success")
    visitor.press("Close")

    public_token, _ = visitor.wait_for_call("onSuccess")
    assert public_token.startswith("public-")
    assert visitor.calls("onExit") == []


def test_a_bad_token_exits_at_once_with_invalid_link_token(visitor):
    visitor.open("link-sandbox-00000000-0000-0000-0000-000000000000")

    error, metadata = visitor.wait_for_call("onExit")
    assert (error["error_type"], error["error_code"]) == ("INVALID_INPUT", "INVALID_LINK_TOKEN")
    assert metadata["status"] is None
    assert not visitor.overlay_shown()
    assert visitor.page.evaluate("document.activeElement.id") == "opener"


def test_update_mode_goes_straight_to_the_sign_in_and_keeps_the_item(visitor, simulator):
    created = simulator.call(
        "/sandbox/public_token/create", institution_id="ins_109508", initial_products=["transactions"]
    )
    exchanged = simulator.call("/item/public_token/exchange", public_token=created["public_token"])
    access_token = exchanged["access_token"]

    visitor.open(simulator.link_token(products=None, access_token=access_token))
    visitor.heading("Sign in to First Platypus Bank")
    assert visitor.link.get_by_role("button", name="Back").count() == 0
    visitor.sign_in()
    _, metadata = visitor.end_happily()

    assert metadata["institution"]["institution_id"] == "ins_109508"
    item = simulator.call("/item/get", access_token=access_token)["item"]
    assert item["item_id"] == exchanged["item_id"]
    assert visitor.events()[0][1]["is_update_mode"] == "true"
