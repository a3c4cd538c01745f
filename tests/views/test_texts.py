"""The texts page: agree, type the code, on; and what was sent. The vendor is at the other end of real HTTP."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, update

from domain.consent import wording
from extensions import db
from models import BUDGET, PhoneVerification, TextConsent, TextMessage, User
from services import opt_outs
from tests.support.factories import make_account, make_institution, make_texted_user, make_tracker
from tests.support.scripted_twilio import PUBLIC
from tests.support.statements import StatementCounter
from tests.views.browsing import Page
from tests.views.conftest import sign_in

PATH = "/users/texts"


@pytest.fixture
def ada(person, texting_app):
    """Somebody with real bank data who has not agreed yet: (id, browser)."""
    return person(on=texting_app, account_type="development")


@pytest.fixture
def user_of(rows):
    return lambda ada: rows(lambda: db.session.get_one(User, ada[0]))


def a_minute_later(rows) -> None:
    def move():
        db.session.execute(
            update(PhoneVerification).values(sent_at=datetime.now(UTC) - timedelta(seconds=61))
        )
        db.session.commit()

    rows(move)


def text_of(answer) -> str:
    return " ".join(answer.text.split())


def test_the_box_is_unticked_and_carries_the_wording(ada):
    page = ada[1].page(PATH)
    assert page.fields["consent"]["type"] == "checkbox"
    assert "checked" not in page.fields["consent"]
    assert page.texts["consent-words"] == wording()
    links = {names.get("href") for tag, names in page.elements if tag == "a"}
    assert {"/terms#texts", "/privacy#texts"} <= links
    assert "code" not in page.fields
    assert "number ending in&nbsp;2671" in page.markup


def test_agree_then_code_then_on(ada, twilio, rows, user_of):
    answer = ada[1].post(PATH, consent="y")
    assert (answer.status_code, answer.location) == (303, PATH)
    assert [text["To"] for text in twilio.texts] == ["+14155552671"]
    assert twilio.texts[0]["StatusCallback"].startswith(f"{PUBLIC}/webhooks/twilio/status?text=")
    assert rows(lambda: db.session.scalars(select(TextConsent)).one().version)

    page = ada[1].page(PATH)
    assert page.fields["code"]["autocomplete"] == "one-time-code"
    assert "A code is on its way" in page.markup

    answer = ada[1].post(PATH, code=twilio.code())
    assert (answer.status_code, answer.location) == (303, PATH)
    assert user_of(ada).phone_verified_at is not None
    page = ada[1].page(PATH)
    assert "Your number is verified." in page.markup
    assert page.fields.keys() & {"consent", "code", "resend"} == set()
    assert "withdraw" in page.fields


def test_the_code_is_on_no_page(ada, twilio):
    ada[1].post(PATH, consent="y")
    assert twilio.code() not in ada[1].get(PATH).text
    assert (
        twilio.code() not in ada[1].post(PATH, code="999999" if twilio.code() != "999999" else "999998").text
    )


@pytest.mark.parametrize("fields", [{}, {"consent": ""}, {"consent": "false"}])
def test_without_the_tick_nothing_is_agreed(ada, twilio, user_of, fields):
    answer = ada[1].post(PATH, **fields)
    assert answer.status_code == 400
    assert "tick the box" in Page(answer.text).error("consent")
    assert user_of(ada).texts_agreed_at is None
    assert twilio.texts == []


@pytest.mark.parametrize(
    "code", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "12 34", "-", "1" * 5000, "<b>123456"]
)
def test_what_is_no_code_costs_no_try(ada, rows, code):
    ada[1].post(PATH, consent="y")
    answer = ada[1].post(PATH, code=code)
    assert answer.status_code == 400
    assert Page(answer.text).error("code")
    assert rows(lambda: db.session.scalars(select(PhoneVerification)).one().tries) == 0


@pytest.mark.parametrize("spelled", ["{0}", " {0} ", "{1} {2}", "{1}-{2}"])
def test_a_code_as_people_type_it(ada, twilio, user_of, spelled):
    ada[1].post(PATH, consent="y")
    code = twilio.code()
    assert ada[1].post(PATH, code=spelled.format(code, code[:3], code[3:])).status_code == 303
    assert user_of(ada).phone_verified_at is not None


def test_a_wrong_code_is_said_beside_the_field(ada, twilio):
    ada[1].post(PATH, consent="y")
    wrong = "000000" if twilio.code() != "000000" else "000001"
    answer = ada[1].post(PATH, code=wrong)
    assert answer.status_code == 400
    assert "4 tries left" in Page(answer.text).error("code")
    assert Page(answer.text).value("code") == wrong


def test_resend_too_soon_is_429_with_a_time(ada, twilio, rows):
    ada[1].post(PATH, consent="y")
    answer = ada[1].post(PATH, resend="1")
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 61
    assert "on its way already" in answer.text
    a_minute_later(rows)
    assert ada[1].post(PATH, resend="1").status_code == 303
    assert len(twilio.texts) == 2


def test_for_programs_it_is_an_error_they_know(ada):
    ada[1].post(PATH, consent="y")
    answer = ada[1].client.post(
        PATH, data={"resend": "1"}, headers={"X-CSRFToken": ada[1].token(), "Accept": "application/json"}
    )
    assert (answer.status_code, answer.json["error"]["code"]) == (429, "too_soon")


def test_agreeing_twice_in_a_row_is_one_text_and_no_error(ada, twilio):
    assert ada[1].post(PATH, consent="y").status_code == 303
    page = ada[1].page("/about")
    again = ada[1].client.post(PATH, data={"csrf_token": page.token, "consent": "y"})
    assert again.status_code == 303
    assert len(twilio.texts) == 1


@pytest.mark.parametrize(
    "status, code", [(500, None), (503, 20503), (404, 20404), (401, 20003), (400, 21608)]
)
def test_a_failed_send_says_so_kindly_and_lets_one_try_again(ada, twilio, user_of, status, code):
    twilio.refuse_next(status, code)
    assert ada[1].post(PATH, consent="y").status_code == 303
    assert user_of(ada).texts_agreed_at is not None
    page = ada[1].page(PATH)
    assert "resend" in page.fields
    assert str(code or status) not in page.markup
    if status < 500:  # after a 5xx it may have gone, so a minute passes first
        assert ada[1].post(PATH, resend="1").status_code == 303
        assert len(twilio.texts) == 2


def test_a_vendor_that_is_not_there(person, app_with, twilio):
    gone = app_with(**{**twilio.settings, "twilio_base_url": "http://127.0.0.1:9"})
    _, browser = person(on=gone, account_type="development", texts_agreed_at=datetime.now(UTC))
    answer = browser.post(PATH, resend="1")
    assert answer.status_code == 503
    assert "not answering right now" in answer.text
    assert browser.post(PATH, resend="1").status_code == 503, "not too soon: nothing was sent"


def test_a_number_that_cannot_get_texts(ada, twilio):
    twilio.refuse_next(400, 21211)
    ada[1].post(PATH, consent="y")
    page = text_of(ada[1].get(PATH))
    assert "cannot get texts" in page
    assert "21211" not in page


def test_an_opted_out_number_is_told_how_to_resume(ada, twilio, rows):
    rows(lambda: opt_outs.record("+14155552671", opt_outs.REPLY))
    assert ada[1].post(PATH, consent="y").status_code == 303
    assert 'text START from your phone to <span class="nowrap">(500) 555-0006</span>' in text_of(
        ada[1].get(PATH)
    )
    assert ada[1].post(PATH, resend="1").status_code == 409
    assert twilio.texts == []


def test_texts_can_be_turned_off_and_on_without_another_code(person, texting_app, twilio, user_of):
    ada = person(
        on=texting_app,
        account_type="development",
        phone_verified_at=datetime.now(UTC),
        texts_agreed_at=datetime.now(UTC),
    )
    assert ada[1].post(PATH, withdraw="1").status_code == 303
    assert user_of(ada).texts_agreed_at is None
    assert ada[1].post(PATH, consent="y").status_code == 303
    assert user_of(ada).texts_agreed_at is not None
    assert twilio.texts == []


FIELDS = [{"consent": "y"}, {"resend": "1"}, {"code": "123456"}]


@pytest.mark.parametrize("fields", FIELDS, ids=lambda fields: next(iter(fields)))
@pytest.mark.parametrize(
    "who, status",
    [
        ({"is_demo": True}, 403),
        ({"is_demo": True, "account_type": "development"}, 403),
        ({"account_type": "sandbox"}, 409),
    ],
)
def test_demo_and_sandbox_never_cause_a_call(person, texting_app, twilio, rows, who, status, fields):
    _, browser = person(on=texting_app, **who)
    assert browser.post(PATH, **fields).status_code == status
    assert twilio.texts == []
    assert rows(lambda: db.session.scalars(select(TextConsent)).all()) == []
    page = browser.get(PATH)
    assert "Sandbox account: not eligible for texts" in page.text
    assert wording() in page.text, "what it would be like"


def test_whoever_agreed_may_always_take_it_back(person, app, user_of):
    """Also as a sandbox account by now, and where texts are off."""
    for account_type in ("sandbox", "development"):
        ada = person(account_type=account_type, texts_agreed_at=datetime.now(UTC))
        assert "withdraw" in ada[1].page(PATH).fields
        assert ada[1].post(PATH, withdraw="1").status_code == 303
        assert user_of(ada).texts_agreed_at is None


def test_without_a_text_service_the_page_says_so(person, app):
    _, browser = person(account_type="development")
    assert app.extensions["texts"] is None
    assert "Texts are off on this site" in browser.get(PATH).text
    assert browser.post(PATH, consent="y").status_code == 409


def make_text(user_id: int, **changes) -> None:
    values = {
        "kind": BUDGET,
        "local_date": date(2026, 11, 10),
        "phone_hash": "x",
        "body": "CashView: you have spent $1.00.",
        "status": "delivered",
        "sent_at": datetime(2026, 11, 10, 14, 5, tzinfo=UTC),
    }
    db.session.add(TextMessage(user_id=user_id, **{**values, **changes}))
    db.session.commit()


def test_what_was_sent_when_and_what_became_of_it(ada, rows):
    def make():
        user = db.session.get_one(User, ada[0])
        account = make_account(make_institution(user), name="Plaid <b>Checking</b>")
        make_text(ada[0], budget_tracker_id=make_tracker(account).id, body="Spent <i>$1.00</i>")
        make_text(ada[0], status="unknown", reason="TRANSPORT_ReadTimeout")
        make_text(ada[0], status="failed", reason="30007")

    rows(make)
    page = text_of(ada[1].get(PATH))
    assert "Plaid &lt;b&gt;Checking&lt;/b&gt;" in page
    assert "Spent &lt;i&gt;$1.00&lt;/i&gt;" in page
    assert "9:05 AM" in page, "in New York"
    assert "It reached your phone." in page
    assert "It may have arrived" in page
    assert "30007" not in page
    assert "TRANSPORT" not in page


def test_the_demo_shows_the_text_that_would_have_gone(person, texting_app, rows):
    user_id, browser = person(on=texting_app, is_demo=True)
    rows(
        lambda: make_text(
            user_id, status="skipped", reason="demo", sent_at=None, body="CashView: would have gone"
        )
    )
    page = browser.get(PATH).text
    assert "CashView: would have gone" in page
    assert "This is the text that would have gone." in page


def test_texts_of_others_are_not_shown(ada, rows):
    rows(lambda: make_text(make_texted_user().id, body="somebody else's"))
    assert "somebody else" not in ada[1].get(PATH).text


def test_older_texts_are_pages_away_newest_first(ada, rows):
    rows(lambda: [make_text(ada[0], body=f"text number {number:02}.") for number in range(25)])
    seen, path = [], PATH
    for _ in range(3):
        page = ada[1].page(path)
        shown = page.markup.split("text number ")[1:]
        seen += [int(line[:2]) for line in shown]
        older = [
            names["href"]
            for tag, names in page.elements
            if tag == "a" and "before=" in str(names.get("href"))
        ]
        path = str(older[0]) if older else ""
    assert seen == list(range(24, -1, -1))
    assert path == ""


@pytest.mark.parametrize("before", ["0", "-1", "x", "9" * 30, "", "1e3", "٣"])
def test_a_page_that_is_none(ada, before):
    assert ada[1].get(PATH, query_string={"before": before}).status_code == 200


def test_the_page_costs_the_same_whatever_was_sent(ada, rows, texting_app):
    with texting_app.app_context():
        engine = db.engine

    def cost() -> int:
        with StatementCounter(engine) as counter:
            ada[1].get(PATH)
        assert counter.statements
        return len(counter.statements)

    one = cost()
    rows(lambda: [make_text(ada[0]) for _ in range(15)])
    assert cost() == one


def test_the_page_is_linked_from_the_menu_the_options_and_the_profile(ada):
    assert ada[1].get("/").text.count(f'href="{PATH}"') >= 2
    assert f'href="{PATH}"' in ada[1].get("/users/update-profile").text.partition("<main")[2]


@pytest.mark.parametrize("path", ["/terms", "/privacy"])
def test_what_carriers_ask_of_terms_and_privacy(visitor, path):
    page = text_of(visitor.get(path))
    for words in (
        "STOP",
        "HELP",
        "up to one text per budget tracker per day",
        "Message and data rates may apply",
    ):
        assert words in page.replace("<strong>", "").replace("</strong>", "").replace(
            "up to one per", "up to one text per"
        )


def test_privacy_says_that_opt_in_data_is_not_shared(visitor):
    assert "not sold, rented or shared with third parties" in text_of(visitor.get("/privacy"))


def test_two_people_with_one_number_verify_apart(ada, person, texting_app, twilio, user_of):
    bob = person(on=texting_app, account_type="development")
    ada[1].post(PATH, consent="y")
    code = twilio.code()
    bob[1].post(PATH, consent="y")
    ada[1].post(PATH, code=code)
    assert user_of(ada).phone_verified_at is not None
    assert user_of(bob).phone_verified_at is None


def test_nothing_personal_is_logged(ada, twilio, caplog):
    caplog.set_level("DEBUG")
    ada[1].post(PATH, consent="y")
    code = twilio.code()
    ada[1].post(PATH, code=code)
    assert "4155552671" not in caplog.text
    assert code not in caplog.text


def test_another_signed_in_browser_sees_the_same(ada, texting_app, twilio):
    ada[1].post(PATH, consent="y")
    assert "code" in sign_in(texting_app, ada[0]).page(PATH).fields
