"""`flask move-webhooks`: every Item learns the new address, once; what failed is named and tried again next time."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from extensions import db
from models import FinancialInstitution
from services.linking import link
from services.moving_webhooks import move_webhooks
from tests.support import scripted_plaid as plaid
from tests.support.banks import banks_at
from tests.support.factories import make_institution, make_user

UPDATE = "/item/webhook/update"
OLD, NEW = "https://old.example/webhooks/plaid", "https://new.example/webhooks/plaid"


@pytest.fixture
def three(context, bank):
    """Institutions with another address, with none, and with the new one."""
    bank.always(UPDATE, {"item": plaid.ITEM})
    person = make_user()
    return [make_institution(person, webhook_url=url) for url in (OLD, None, NEW)]


def urls() -> list[str | None]:
    db.session.expire_all()
    rows = db.session.query(FinancialInstitution).order_by(FinancialInstitution.id)
    return [row.webhook_url for row in rows]


def test_every_item_whose_news_go_elsewhere_is_moved_once(three, bank, banks):
    report = move_webhooks(NEW, banks)
    assert (report.moved, report.failed, report.all_moved) == (2, {}, True)
    assert bank.asked(UPDATE) == [
        {"access_token": row.access_token, "webhook": NEW}
        for row in sorted(three[:2], key=lambda row: row.id)
    ]
    assert urls() == [NEW] * 3
    assert move_webhooks(NEW, banks).moved == 0
    assert len(bank.asked(UPDATE)) == 2


def test_what_failed_is_named_and_a_second_run_goes_on_there(three, bank, banks):
    bank.next(UPDATE, (502, b"<html>"))
    report = move_webhooks(NEW, banks)
    assert (report.moved, report.failed, report.all_moved) == (1, {three[0].id: "HTTP_502"}, False)
    assert f"institution {three[0].id}: HTTP_502" in report.lines()
    assert urls() == [OLD, NEW, NEW]
    assert move_webhooks(NEW, banks).moved == 1
    assert urls() == [NEW] * 3


def test_the_vendors_limit_ends_the_run_with_a_word(three, bank, banks):
    bank.next(UPDATE, plaid.failure("RATE_LIMIT", "RATE_LIMIT_EXCEEDED", 429))
    report = move_webhooks(NEW, banks)
    assert (report.moved, report.failed, report.all_moved) == (0, {}, False)
    assert len(bank.asked(UPDATE)) == 1


def test_ended_items_are_no_failure_and_revoked_ones_are_not_asked_about(three, bank, banks):
    make_institution(make_user(), state="revoked", webhook_url=OLD)
    bank.next(UPDATE, plaid.failure("ITEM_NOT_FOUND"))
    report = move_webhooks(NEW, banks)
    assert (report.moved, report.gone, report.all_moved) == (1, 1, True)
    assert len(bank.asked(UPDATE)) == 2


def test_keys_that_are_missing_stop_nobody_else(three, bank):
    make_institution(make_user(account_type="development"), webhook_url=OLD)
    db.session.execute(
        text("UPDATE financial_institutions SET access_token = 'no token' WHERE id = :id"),
        {"id": three[0].id},
    )
    db.session.commit()
    report = move_webhooks(NEW, banks_at(bank.url, "sandbox"))
    assert report.moved == 1
    assert sorted(report.failed.values()) == ["ACCESS_TOKEN_UNREADABLE", "NOT_CONFIGURED"]


@pytest.mark.parametrize("url", [NEW, None])
def test_linking_stores_where_news_were_asked_for(context, bank, banks, url):
    bank.always("/item/public_token/exchange", {"access_token": "access-sandbox-1", "item_id": "item-1"})
    banks["sandbox"].webhook_url = url
    assert link(make_user(), "public-1", None, confirm_duplicate=False, banks=banks).webhook_url == url


def command(app):
    with app.app_context():
        return app.test_cli_runner().invoke(args=["move-webhooks"])


def test_the_command_counts_and_exits_1_when_some_failed(three, bank, app_with):
    app = app_with(plaid_base_url=bank.url, plaid_webhook_url=NEW)
    bank.next(UPDATE, (502, b""))
    ran = command(app)
    assert (ran.exit_code, "1 moved" in ran.output) == (1, True), (ran.output, ran.exception)
    assert f"institution {three[0].id}: HTTP_502" in ran.output
    ran = command(app)
    assert (ran.exit_code, "1 moved" in ran.output) == (0, True)


def test_the_command_without_an_address_says_so(three, bank, app_with):
    ran = command(app_with(plaid_base_url=bank.url))
    assert (ran.exit_code, "PLAID_WEBHOOK_URL" in ran.output) == (1, True)
    assert bank.asked(UPDATE) == []
