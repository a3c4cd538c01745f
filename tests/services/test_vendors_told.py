"""Calls outside refreshing tell the fleet's breaker how they ended, as refreshing does."""

from __future__ import annotations

import itertools
from contextlib import suppress
from typing import Any

import pytest
from flask import current_app

from app import asking_anywhere
from database import utcnow
from domain.errors import AppError
from extensions import db
from models import FinancialInstitution, ItemRemoval, VendorState
from providers.base import ProviderError
from providers.registry import LazyWebhooks
from services import demo, vendors
from services.linking import create_link_token, link
from services.moving_webhooks import move_webhooks
from services.reconnecting import create_update_token
from services.removals import remove_item
from services.webhook_receipts import receive
from tests.support import scripted_plaid as plaid
from tests.support.factories import make_institution, make_user
from tests.support.plaid_hooks import Signer, news, raw
from tests.support.statements import StatementCounter

pytestmark = pytest.mark.usefixtures("context", "engine")
VENDOR, BANK = "plaid:sandbox", "plaid:sandbox:ins_1"
LIMIT = plaid.failure("RATE_LIMIT", "RATE_LIMIT_EXCEEDED", 429)
BROKEN = plaid.failure("INTERNAL_SERVER_ERROR", "API_ERROR", 500)
DOWN = plaid.failure("INSTITUTION_DOWN", "INSTITUTION_ERROR")
LINK_TOKEN = {"link_token": "link-1", "expiration": "2026-11-23T17:30:00Z"}
ITEM = {"access_token": "access-1", "item_id": "item-1"}


def linked() -> FinancialInstitution:
    return make_institution(make_user(), plaid_institution_id="ins_1")


_numbers = itertools.count(1)


def removal(banks) -> None:
    row = ItemRemoval(
        environment="sandbox",
        plaid_item_id=f"gone-{next(_numbers)}",
        access_token="access-9",
        due_at=utcnow(),
        attempts=0,
    )
    db.session.add(row)
    db.session.commit()
    remove_item(row.id, banks)


def webhook(banks) -> None:
    signer, body = Signer(), raw(news("LOGIN_REPAIRED"))
    receive(body, signer.sign(body), LazyWebhooks(banks, asking_anywhere(current_app._get_current_object())))


CALLS: dict[str, tuple[Any, Any]] = {
    "/link/token/create": (lambda banks: create_link_token(make_user(), banks), LINK_TOKEN),
    "/link/token/create of one": (lambda banks: create_update_token(linked(), banks), LINK_TOKEN),
    "/item/public_token/exchange": (
        lambda banks: link(make_user(), "public-1", None, confirm_duplicate=True, banks=banks),
        ITEM,
    ),
    "/item/remove": (removal, {}),
    "/item/webhook/update": (lambda banks: linked() and move_webhooks("https://new.example/", banks), {}),
    "/webhook_verification_key/get": (webhook, {"key": Signer().jwk()}),
    "/sandbox/public_token/create": (
        lambda banks: demo.link_banks(demo.start("UTC").id, banks, simulated=False),
        {"public_token": "public-2"},
    ),
}


def call(name: str, bank, banks, answer=None) -> None:
    (work, well), path = CALLS[name], name.partition(" ")[0]
    bank.always(path, answer or well)
    with suppress(AppError, ProviderError):
        work(banks)
    assert bank.asked(path)


def failures_of(key: str) -> int:
    db.session.expire_all()
    row = db.session.get(VendorState, key)
    return row.failures if row else 0


@pytest.mark.parametrize("failure", [LIMIT, BROKEN], ids=["429", "500"])
@pytest.mark.parametrize("name", CALLS)
def test_a_failure_of_the_vendor_counts_and_the_next_success_closes_it(bank, banks, name, failure):
    bank.always("/item/public_token/exchange", ITEM)
    call(name, bank, banks, failure)
    assert failures_of(VENDOR) >= 1
    if name == "/webhook_verification_key/get":
        bank.always(name, {"key": Signer().jwk()})
    call(name, bank, banks)
    assert failures_of(VENDOR) == 0


def test_a_bank_that_is_down_counts_where_it_is_known(bank, banks):
    for _ in range(2):
        call("/link/token/create of one", bank, banks, DOWN)
    assert (failures_of(VENDOR), failures_of(BANK)) == (0, 2)
    call("/link/token/create", bank, banks, DOWN)
    assert (failures_of(VENDOR), failures_of(BANK)) == (0, 2)


@pytest.mark.parametrize("name", ["/link/token/create", "/item/public_token/exchange", "/item/remove"])
def test_a_failure_that_is_nobodys_trouble_shows_that_the_vendor_is_well(bank, banks, name):
    vendors.failed(VENDOR, "INTERNAL_SERVER_ERROR")
    call(name, bank, banks, plaid.failure("INVALID_PUBLIC_TOKEN", "INVALID_INPUT"))
    assert failures_of(VENDOR) == 0


def test_a_key_that_was_not_looked_up_anew_is_not_counted_twice(bank, banks):
    read = LazyWebhooks(banks, asking_anywhere(current_app._get_current_object()))
    bank.always("/webhook_verification_key/get", BROKEN)
    body = raw(news("LOGIN_REPAIRED"))
    for _ in range(3):
        with suppress(AppError):
            receive(body, Signer().sign(body), read)
    assert (len(bank.asked("/webhook_verification_key/get")), failures_of(VENDOR)) == (1, 1)


def test_in_good_times_it_costs_no_statement(bank, banks):
    with StatementCounter(db.engine) as counter, vendors.asking("sandbox", "ins_1"):
        pass
    assert counter.statements == []
