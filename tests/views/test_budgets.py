"""Budget trackers through their pages: fields, refusals, and what the dashboard then shows."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import time_machine

from extensions import db
from models import Account, BudgetTracker, User
from tests.support.factories import make_account, make_institution, make_tracker, make_transaction
from tests.views.browsing import Page
from tests.views.test_json_rules import is_error

NOW = datetime(2026, 11, 11, 19, 5, tzinfo=UTC)
GOOD = {"budget_threshold": "400.00", "notification_frequency": "3"}


def tracked(account: Account, **changes: object) -> BudgetTracker:
    """A tracker of 400.00 with a text every 3 days, created on November 23."""
    days = {"counted_from": date(2026, 11, 23), "next_notification_date": date(2026, 11, 26)}
    return make_tracker(account, **{"notification_frequency": 3, **days, **changes})


@pytest.fixture(autouse=True)
def _on_november_11():
    with time_machine.travel(NOW, tick=True):
        yield


@pytest.fixture
def ada(person):
    return person()


@pytest.fixture
def make(ada, rows):
    """Makes an account of Ada's, with a tracker if one is described: its id."""

    def build(tracker: dict | None = None, **account):
        def work():
            row = make_account(make_institution(db.session.get(User, ada[0])), **account)
            if tracker is not None:
                tracked(row, **tracker)
            return row.id

        return rows(work)

    return build


def at(number: int, what: str = "") -> str:
    return f"/accounts/{number}/budget-tracker{what}"


def kept(rows) -> list[tuple]:
    """Every tracker: account, budget, days, next text."""
    columns = (
        BudgetTracker.account_id,
        BudgetTracker.threshold,
        BudgetTracker.notification_frequency,
        BudgetTracker.next_notification_date,
    )
    return rows(lambda: [tuple(row) for row in db.session.query(*columns).order_by(BudgetTracker.id)])


def shown_tracker(browser) -> dict | None:
    (institution,) = browser.get("/dashboard.json").json["institutions"]
    (account,) = institution["accounts"]
    return account["budget_tracker"]


def test_creating_leads_back_to_the_account(ada, make, rows):
    number = make(name="Everyday")
    page = ada[1].get("/").text
    assert f'href="{at(number, "/create")}"' in page
    answer = ada[1].post(at(number, "/create"), budget_threshold="$1,250.5", notification_frequency="3")
    assert (answer.status_code, answer.location) == (303, f"/#account-{number}")
    assert kept(rows) == [(number, Decimal("1250.5"), 3, date(2026, 11, 14))]
    page = ada[1].get("/").text
    assert f'id="account-{number}"' in page
    assert "The budget tracker of Everyday is created." in page
    assert f'href="{at(number, "/create")}"' not in page
    assert f'href="{at(number, "/update")}"' in page


def test_the_figures_as_json(ada, make, rows):
    make(tracker={"threshold": Decimal("212.4"), "next_notification_date": date(2026, 12, 1)})

    def spend():
        tracker = db.session.query(BudgetTracker).one()
        account = db.session.get(Account, tracker.account_id)
        make_transaction(account, "170.4", date=date(2026, 11, 2))
        make_transaction(account, "42", date=date(2026, 11, 3), pending=True)

    rows(spend)
    assert shown_tracker(ada[1]) == {
        "threshold": "212.40",
        "spent": "212.40",
        "pending": "42.00",
        "left": "0.00",
        "notification_frequency": 3,
        "next_notification_date": "2026-12-01",
    }
    page = Page(ada[1].get("/").text)
    meter = next(names for _, names in page.elements if names.get("role") == "meter")
    assert meter["aria-valuetext"] == "$212.40 of $212.40 spent, $42.00 of it pending, $0.00 left"


def test_over_budget_is_a_word_not_only_a_colour(ada, make, rows):
    number = make(tracker={"threshold": Decimal("50")})
    rows(lambda: make_transaction(db.session.get(Account, number), "62.5", date=date(2026, 11, 2)))
    page = ada[1].get("/").text
    assert '<b class="trk-left">$12.50 over</b>' in page
    assert 'aria-valuetext="$62.50 of $50.00 spent, $12.50 over budget"' in page
    assert "Day 11 of 30; at this rate about $170 by month end." in page  # 170.45..


def test_without_a_tracker_it_is_null(ada, make):
    make()
    assert shown_tracker(ada[1]) is None


@pytest.mark.parametrize(
    "field, typed",
    [
        *(
            ("budget_threshold", text)
            for text in ("", " ", "0", "-1", "1.005", "10000000.01", "NaN", "Infinity", "1e309", "lots", "４００")
        ),
        *(
            ("notification_frequency", text)
            for text in ("", "0", "16", "3.0", "１", "1e0", "-1", "three", "9" * 500)
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("page", ["/create", "/update"])
def test_bad_input_is_400_with_the_form_and_what_was_typed(ada, make, rows, field, typed, page):
    number = make(tracker={} if page == "/update" else None)
    before = kept(rows)
    answer = ada[1].post(at(number, page), **{**GOOD, field: typed})
    assert answer.status_code == 400
    form = Page(answer.text)
    assert form.error(field).startswith("Please ")
    assert form.value(field) == typed.strip()
    (other,) = GOOD.keys() - {field}
    assert (form.error(other), form.value(other)) == ("", GOOD[other])
    assert kept(rows) == before


def test_bad_input_of_a_program_is_one_sentence(ada, make, rows):
    number = make()
    data = {"csrf_token": ada[1].token(), **GOOD, "budget_threshold": "lots"}
    answer = ada[1].client.post(at(number, "/create"), data=data, headers={"Accept": "application/json"})
    assert is_error(answer, 400, "bad_input")
    assert answer.json["error"]["message"] == "Please enter an amount in digits, such as 400 or 1,250.50."
    assert kept(rows) == []


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "account, tracker, code",
    [
        ({"subtype": "savings"}, None, "not_eligible"),
        ({"closed_at": NOW}, None, "not_eligible"),
        ({}, {}, "tracker_exists"),
    ],
    ids=["savings", "closed", "existing"],
)
def test_where_no_tracker_can_be_it_is_409_and_nothing_changes(
    ada, make, rows, account, tracker, code, method
):
    number = make(tracker=tracker, **account)
    before = kept(rows)
    data = {"csrf_token": ada[1].token(), **GOOD} if method == "POST" else None
    page, answer = (
        ada[1].client.open(at(number, "/create"), method=method, data=data, headers={"Accept": kind})
        for kind in ("text/html", "application/json")
    )
    assert page.status_code == 409
    assert "<html" in page.text
    assert is_error(answer, 409, code)
    assert kept(rows) == before


def test_the_edit_page_shows_what_is_there_and_changes_it(ada, make, rows):
    number = make(
        tracker={
            "threshold": Decimal("99.5"),
            "counted_from": date(2026, 11, 10),
            "next_notification_date": date(2026, 11, 13),
        }
    )
    form = ada[1].page(at(number, "/update"))
    assert (form.value("budget_threshold"), form.value("notification_frequency")) == ("99.50", "3")
    answer = ada[1].post(at(number, "/update"), budget_threshold="100", notification_frequency="3")
    assert (answer.status_code, answer.location) == (303, f"/#account-{number}")
    assert kept(rows) == [(number, Decimal(100), 3, date(2026, 11, 13))]
    ada[1].post(at(number, "/update"), budget_threshold="100", notification_frequency="1")
    assert kept(rows) == [(number, Decimal(100), 1, date(2026, 11, 12))]


def test_where_there_is_none_editing_and_deleting_is_404(ada, make):
    number = make()
    assert ada[1].get(at(number, "/update")).status_code == 404
    data = {"csrf_token": ada[1].token(), **GOOD}
    assert ada[1].client.post(at(number, "/update"), data=data).status_code == 404
    assert is_error(ada[1].call("DELETE", at(number)), 404, "not_found")


def test_another_persons_account_is_404_whatever_is_sent(person, ada, make, rows):
    number = make(tracker={})
    _, stranger = person()
    before = kept(rows)
    for path in (at(number, "/create"), at(number, "/update")):
        assert stranger.get(path).status_code == 404
        assert stranger.post(path, form_at="/about", **GOOD).status_code == 404
    assert stranger.call("DELETE", at(number)).status_code == 404
    assert kept(rows) == before


@pytest.mark.parametrize("number", [0, 2**63, 10**40])
def test_ids_that_cannot_be_are_404(ada, number):
    assert ada[1].get(at(number, "/create")).status_code == 404
    assert ada[1].call("DELETE", at(number)).status_code == 404


def test_deleting_brings_the_create_button_back_in_place(ada, make, rows):
    number = make(tracker={})
    answer = ada[1].call("DELETE", at(number))
    assert answer.status_code == 200
    (card,) = [names for _, names in Page(answer.json["html"]).elements if "data-institution-id" in names]
    assert card["data-piece"] == f"institution-{card['data-institution-id']}"
    assert at(number, "/create") in answer.json["html"]
    assert at(number, "/update") not in answer.json["html"]
    (institution,) = answer.json["dashboard"]["institutions"]
    assert institution["accounts"][0]["budget_tracker"] is None
    assert kept(rows) == []
    assert is_error(ada[1].call("DELETE", at(number)), 404, "not_found")


def test_a_demo_visitor_has_trackers_of_their_own(person, rows):
    user_id, browser = person(is_demo=True)
    number = rows(lambda: make_account(make_institution(db.session.get(User, user_id))).id)
    assert browser.post(at(number, "/create"), **GOOD).status_code == 303
    page = browser.get("/").text
    assert (
        "Demo: no text leaves. Every 3 days, next on Saturday, Nov 14, this would go: <q>CashView: you"
        in page
    )
    assert browser.post(at(number, "/update"), **{**GOOD, "budget_threshold": "7"}).status_code == 303
    assert kept(rows)[0][1] == 7
    assert browser.call("DELETE", at(number)).status_code == 200
    assert kept(rows) == []


def texts_line(person, app, rows, **changes) -> str:
    user_id, browser = person(on=app, **changes)
    rows(lambda: tracked(make_account(make_institution(db.session.get(User, user_id)))))
    return browser.get("/").text


READY = {"account_type": "development", "texts_agreed_at": NOW, "phone_verified_at": NOW}


@pytest.mark.parametrize(
    "changes, sentence",
    [
        ({}, "Sandbox account: not eligible for texts."),
        (READY, "Next text on Nov 26, then every 3 days."),
        ({**READY, "texts_agreed_at": None}, "No text goes out until you agree to texts."),
        ({**READY, "phone_verified_at": None}, "No text goes out until your phone number is verified."),
        ({**READY, "phone_problem": "21614"}, "Your phone number cannot get texts, so none goes out."),
    ],
)
def test_one_line_says_when_the_next_text_goes_or_why_none_does(person, app_with, rows, changes, sentence):
    on = app_with(twilio_account_sid="AC" + "0" * 32)
    page = texts_line(person, on, rows, **changes)
    assert sentence in page
    assert (f'{sentence} <a href="/users/texts">' in page) == (changes not in ({}, READY))


def test_a_site_without_twilio_says_so(person, app, rows):
    page = texts_line(person, app, rows, **READY)
    assert "Texts are off on this site, so none goes out." in page
    assert "Next text" not in page


def test_an_account_named_in_markup_is_only_text(ada, make):
    number = make(name='<b onx=1>O\'Hare & "Sons"', tracker={})
    for path in ("/", at(number, "/update")):
        page = ada[1].get(path).text
        assert "<b onx=1>" not in page
        assert "&lt;b onx=1&gt;O&#39;Hare &amp; &#34;Sons&#34;" in page
