"""Webhooks that come twice, in the wrong order, forged, late, too large, for nobody, or never: from a real simulator
over HTTP, with its own signatures and retries."""

from __future__ import annotations

import http.client
import json
import queue
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import delete, update

import background
from CronJobs import refresh_institutions
from database import utcnow
from extensions import db
from models import Account, FinancialInstitution, Transaction, WebhookReceipt
from providers.plaid_keys import PATIENCE as PATIENCE_OF_LIFE
from services import webhooks
from services.linking import link
from services.refreshing import Outcome, refresh
from tests.simulator.bank import Bank
from tests.simulator.controls import ask, lift_all, switch
from tests.simulator.receiver import Receiver
from tests.support.factories import make_user
from tests.support.plaid_hooks import Signer, news, raw
from tests.support.reading import count
from tests.support.serving import ServedApp
from tests.support.simulator import SimulatorProcess

PATH = "/webhooks/plaid"
PATIENCE = 20


@pytest.fixture(autouse=True)
def short_time_outs(monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of the other fault tests' fixture: a busy machine may take its time."""
    monkeypatch.setattr("providers.plaid_keys.PATIENCE", 10)


class Arrivals:
    """An engine that hands what was enqueued to the test, which waits for it."""

    def __init__(self) -> None:
        self.tasks: queue.Queue[tuple[str, dict[str, int]]] = queue.Queue()

    def submit(self, name: str, ids: dict[str, int], delay: float) -> None:
        self.tasks.put((name, ids))

    def next_receipt(self) -> int:
        while True:
            name, ids = self.tasks.get(timeout=PATIENCE)
            if name == "webhook":
                return ids["receipt_id"]


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorProcess]:
    with SimulatorProcess() as running:
        yield running


@dataclass
class World:
    """The site, its vendor, and one institution that was read once."""

    simulator: SimulatorProcess
    bank: Bank
    banks: Any
    site: str
    arrivals: Arrivals
    token: str
    institution: FinancialInstitution
    seen: list[int] = field(default_factory=list)

    def fire(self, *codes: str) -> None:
        for code in codes:
            self.bank.call("/sandbox/item/fire_webhook", access_token=self.token, webhook_code=code)

    def work(self, times: int = 1) -> list[str | None]:
        """Wait for so many webhooks and work on each; their codes with outcomes, in the order they came."""
        return [self._work() for _ in range(times)]

    def _work(self) -> str:
        receipt_id = self.arrivals.next_receipt()
        webhooks.work(receipt_id)
        db.session.expire_all()
        row = db.session.get_one(WebhookReceipt, receipt_id)
        return f"{row.webhook_code} {row.outcome}"

    def read(self) -> Outcome:
        """The refresh that somebody waits for, its time having come."""
        table = FinancialInstitution
        db.session.execute(
            update(table)
            .where(table.id == self.institution.id, table.due_at.is_not(None))
            .values(due_at=utcnow())
        )
        db.session.commit()
        result = refresh(self.institution.id, self.banks, 60, only_wanted=True)
        db.session.expire_all()
        return result

    def post(self, body: bytes, signature: str) -> int:
        connection = http.client.HTTPConnection(urlsplit(self.site).netloc, timeout=PATIENCE)
        headers = {"Content-Type": "application/json", "Plaid-Verification": signature}
        connection.request("POST", PATH, body, headers)
        status = connection.getresponse().status
        connection.close()
        return status


@pytest.fixture
def world(app_with, context, simulator) -> Iterator[World]:
    app = app_with(plaid_base_url=simulator.url)
    arrivals, bank = Arrivals(), Bank(simulator)
    with ServedApp(app) as site, app.app_context():
        banks = app.extensions["banks"]
        asked = {"institution_id": "ins_sim_cards", "initial_products": ["transactions"]}
        background.use(arrivals)
        public = bank.call("/sandbox/public_token/create", **asked, options={"webhook": f"{site.url}{PATH}"})[
            "public_token"
        ]
        institution = link(make_user(), public, None, confirm_duplicate=False, banks=banks)
        for _ in range(2):  # the first reading finds transactions that are not ready
            refresh(institution.id, banks, 60)
        made = World(simulator, bank, banks, site.url, arrivals, institution.access_token, institution)
        assert made.work() == ["SYNC_UPDATES_AVAILABLE handled"]  # the transactions are ready
        made.read()
        db.session.execute(delete(WebhookReceipt))
        db.session.commit()
        assert institution.state == "healthy"
        yield made
        background.use(None)
        lift_all(simulator)


def test_row_25_news_that_come_twice_make_one_refresh(world):
    rows = count(Transaction)
    switch(world.simulator, "webhook_twice", item_id=world.institution.plaid_item_id, times=1)
    world.fire("SYNC_UPDATES_AVAILABLE")
    assert world.work() == ["SYNC_UPDATES_AVAILABLE handled"]
    assert world.read() is Outcome.DONE
    assert world.read() is Outcome.BUSY
    assert count(Transaction) == rows


def test_row_25_news_in_the_wrong_order_end_in_the_truth(world):
    item_id = world.institution.plaid_item_id
    switch(world.simulator, "webhook_after_next", item_id=item_id, times=1)
    world.bank.call("/sandbox/item/reset_login", access_token=world.token)
    ask(world.simulator, "POST", "/scenarios/back_to_normal", {"item_id": item_id})
    assert world.work(2) == ["LOGIN_REPAIRED handled", "ERROR handled"]
    assert world.institution.state == "needs_login"
    assert world.read() is Outcome.DONE
    assert (world.institution.state, world.institution.error_code) == ("healthy", None)


def test_row_25_what_we_could_not_take_comes_again(world, monkeypatch):
    refused = []

    def away(*_args: object) -> None:
        monkeypatch.undo()
        refused.append(True)
        raise RuntimeError("the database is away")

    monkeypatch.setattr("services.webhook_receipts._keep", away)
    switch(world.simulator, "webhook_retry", item_id=world.institution.plaid_item_id, milliseconds=50)
    world.fire("NEW_ACCOUNTS_AVAILABLE")
    assert world.work() == ["NEW_ACCOUNTS_AVAILABLE handled"]
    assert (refused, count(WebhookReceipt)) == ([True], 1)


def test_row_25_forged_and_oversized_ones_change_nothing(world):
    world.fire("LOGIN_REPAIRED")
    world.work()
    body = raw(news("USER_PERMISSION_REVOKED", item_id=world.institution.plaid_item_id))
    accounts, kept = count(Account), count(WebhookReceipt)
    assert [world.post(body, Signer().sign(body)), world.post(body, ""), world.post(body, "x.y.z")] == [
        403
    ] * 3
    assert world.post(json.dumps({"filler": "x" * 300_000}).encode(), Signer().sign(body)) == 413
    assert (count(Account), count(WebhookReceipt)) == (accounts, kept)
    assert world.arrivals.tasks.empty() or world.arrivals.tasks.get()[0] != "webhook"


def test_row_25_a_replayed_one_is_one_row(world, simulator):
    with Receiver() as receiver:
        token = world.bank.link("ins_sim_cards", webhook=receiver.url)
        world.bank.call("/sandbox/item/fire_webhook", access_token=token, webhook_code="LOGIN_REPAIRED")
        _, signature, body = receiver.next()
    assert [world.post(body, signature) for _ in range(3)] == [200] * 3
    assert count(WebhookReceipt) == 1
    assert world.post(body.replace(b"LOGIN_REPAIRED", b"USER_PERMISSION_REVOKED"), signature) == 403


def test_row_25_one_of_an_unknown_item_is_recorded_and_answered_200(world):
    other = world.bank.link("ins_sim_cards", webhook=f"{world.site}{PATH}")
    world.bank.call("/sandbox/item/fire_webhook", access_token=other, webhook_code="LOGIN_REPAIRED")
    assert world.work() == ["LOGIN_REPAIRED unknown_item"]
    told = ask(world.simulator, "GET", "/webhooks")[1]["webhooks"]
    assert world.institution.due_at is None
    assert told[0]["webhook_code"] == "LOGIN_REPAIRED"


def test_row_25_if_none_ever_comes_the_job_catches_up_within_a_day(world):
    switch(world.simulator, "webhook_lost", item_id=world.institution.plaid_item_id)
    world.bank.call("/sandbox/item/reset_login", access_token=world.token)
    assert (world.institution.state, world.institution.due_at) == ("healthy", None)
    tomorrow = utcnow() + timedelta(hours=24)

    def one(number: int) -> Outcome:
        return refresh(number, world.banks, 60, due_by=tomorrow)

    assert world.institution.scheduled_at <= tomorrow
    in_context = world_context(one)
    refresh_institutions.run(tomorrow, in_context, 1, lambda: None, dry_run=False)
    db.session.expire_all()
    assert world.institution.state == "needs_login"
    assert count(WebhookReceipt) == 0


def world_context(work):
    """The job's threads have an application context each."""
    from flask import current_app

    app = current_app._get_current_object()  # type: ignore[attr-defined]

    def run(number: int) -> Outcome:
        with app.app_context():
            return work(number)

    return run


# While the vendor gives no key

KEYS = "/webhook_verification_key/get"


@pytest.fixture
def fresh(app_with, world, simulator) -> Iterator[str]:
    """Where webhooks go to a process that has never looked up a key, and has the patience it has in life."""
    app = app_with(plaid_base_url=simulator.url)
    background.use(world.arrivals)
    with pytest.MonkeyPatch.context() as patch, ServedApp(app) as site:
        patch.setattr("providers.plaid_keys.PATIENCE", PATIENCE_OF_LIFE)
        app.extensions["banks"]["sandbox"].create_link_token(1)  # the client is loaded
        yield f"{site.url}{PATH}"


def timed_post(url: str, body: bytes, signature: str) -> tuple[int, float]:
    """Status and seconds until the answer."""
    begun = time.monotonic()
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE)
    headers = {"Content-Type": "application/json", "Plaid-Verification": signature}
    connection.request("POST", PATH, body, headers)
    status = connection.getresponse().status
    connection.close()
    return status, time.monotonic() - begun


def signed_by(world: World) -> tuple[bytes, str]:
    """A webhook that the simulator signed, and did not bring to us."""
    with Receiver() as receiver:
        token = world.bank.link("ins_sim_cards", webhook=receiver.url)
        world.bank.call("/sandbox/item/fire_webhook", access_token=token, webhook_code="LOGIN_REPAIRED")
        _, signature, body = receiver.next()
    return body, signature


def test_row_25_a_key_look_up_that_hangs_is_answered_within_a_second_by_send_again(world, fresh):
    body, signature = signed_by(world)
    switch(world.simulator, "hang", endpoint=KEYS, seconds=3)
    answers = [timed_post(fresh, body, signature) for _ in range(3)]
    assert [status for status, _ in answers] == [503] * 3
    assert max(seconds for _, seconds in answers) < 1
    assert max(seconds for _, seconds in answers[1:]) < PATIENCE_OF_LIFE, "nobody else waits for the same"
    assert count(WebhookReceipt) == 0


def test_row_25_a_key_that_comes_too_late_is_there_when_the_vendor_sends_again(world, fresh):
    item_id = world.institution.plaid_item_id
    switch(world.simulator, "latency", endpoint=KEYS, milliseconds=1200)
    switch(world.simulator, "webhook_retry", item_id=item_id, milliseconds=2000)
    world.bank.call("/item/webhook/update", access_token=world.token, webhook=fresh)
    assert world.work() == ["WEBHOOK_UPDATE_ACKNOWLEDGED handled"]
    (mine,) = [each for each in fates(world, item_id) if each["webhook_code"].endswith("ACKNOWLEDGED")]
    assert (mine["outcome"], mine["tries"]) == (200, 2)


def fates(world: World, item_id: str) -> list[dict[str, Any]]:
    """What became of an Item's webhooks, when the vendor has read the answer to each."""
    while True:
        told = ask(world.simulator, "GET", "/webhooks")[1]["webhooks"]
        mine = [each for each in told if each["item_id"] == item_id]
        if all(each["outcome"] == 200 for each in mine):
            return mine
        time.sleep(0.02)


def test_access_withdrawn_at_the_bank_reaches_the_page_by_itself(world):
    ask(
        world.simulator,
        "POST",
        "/scenarios/access_withdrawn_at_the_bank",
        {"item_id": world.institution.plaid_item_id},
    )
    assert world.work() == ["USER_PERMISSION_REVOKED handled"]
    assert (world.institution.state, count(Account), count(Transaction)) == ("revoked", 0, 0)
