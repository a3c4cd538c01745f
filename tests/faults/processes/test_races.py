"""Two tabs, answered by two servers on one database, do things that meet at the worst moment.

Claim: what was deleted stays deleted, what was linked is there once, and each Item is linked or ended.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from tests.faults.processes.conftest import Site, until
from tests.support.server import AppServer
from tests.support.visitor import Visitor

pytestmark = pytest.mark.slow

EXCHANGE = "/item/public_token/exchange"


def at_once(*works: Callable[[], requests.Response]) -> list[requests.Response]:
    """What each answers; they start at the same moment."""
    gate = threading.Barrier(len(works))

    def one(work: Callable[[], requests.Response]) -> requests.Response:
        gate.wait(30)
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(one, works))


def ids(answers: list[requests.Response]) -> list[int]:
    assert [answer.status_code for answer in answers] == [202] * len(answers), [a.text for a in answers]
    return [answer.json()["id"] for answer in answers]


@pytest.fixture
def tabs(site: Site, person: Visitor, other: AppServer) -> tuple[Visitor, Visitor]:
    return person, site.tab(person, other)


def test_two_tabs_that_link_the_same_bank_with_two_tokens_have_two_institutions(site: Site, tabs, peaceful):
    tokens = [site.token(), site.token()]
    made = ids(at_once(*[lambda t=tab, k=token: t.link(k) for tab, token in zip(tabs, tokens, strict=True)]))
    assert len(set(made)) == 2
    for number in made:
        assert tabs[0].wait_until_done(number)["state"] == "healthy"
        assert site.content(number) == peaceful


def test_row_27_the_same_token_posted_twice_at_once_is_one_institution_for_both(site: Site, tabs):
    for _ in range(3):
        token = site.token()
        made = ids(at_once(*[lambda t=tab, k=token: t.link(k) for tab in tabs]))
        assert len(set(made)) == 1
        tabs[0].wait_until_done(made[0])


def test_row_27_the_same_token_is_refused_to_one_tab_before_the_other_has_kept_its_item(site: Site, tabs):
    """The bank has answered the first tab's exchange, which is on its way, when the second one's is refused."""
    token = site.token()
    with ThreadPoolExecutor(2) as pool, site.gate.stop(EXCHANGE, after=True) as stop:
        first = pool.submit(tabs[0].link, token)
        stop.wait()
        second = pool.submit(tabs[1].link, token)
        site.gate.wait_for_answers(EXCHANGE, 2)
        stop.release()
        made = ids([first.result(30), second.result(30)])
    assert made[0] == made[1]


@pytest.mark.parametrize("path", ["/accounts/balance/get", "/transactions/sync"])
def test_row_28_an_institution_deleted_during_its_refresh_stays_deleted(site: Site, tabs, path):
    number = site.linked(tabs[0])
    with site.gate.stop(path, after=True) as stop:
        assert tabs[0].json("PATCH", f"/financial-institutions/{number}").status_code == 202
        stop.wait()
        assert tabs[1].json("DELETE", f"/financial-institutions/{number}").status_code == 200
    gone(site, tabs[0], number)


def test_an_institution_deleted_in_its_first_reading_stays_deleted(site: Site, tabs):
    with site.gate.stop("/transactions/sync", after=True) as stop:
        (number,) = ids([tabs[0].link(site.token())])
        stop.wait()
        assert tabs[1].json("DELETE", f"/financial-institutions/{number}").status_code == 200
    gone(site, tabs[0], number)


def gone(site: Site, tab: Visitor, number: int) -> None:
    until(site.settled, "the Item is ended")
    assert tab.get(f"/financial-institutions/{number}").status_code == 404
    assert site.content(number) == ([], [])


def test_an_institution_deleted_while_its_refresh_is_written_stays_deleted(site: Site, tabs):
    """The answer that the writing waits for and the deletion are let go at the same moment."""
    for _ in range(4):
        number = site.linked(tabs[0])
        with site.gate.stop("/transactions/sync", after=True) as stop:
            assert tabs[0].json("PATCH", f"/financial-institutions/{number}").status_code == 202
            stop.wait().release()
            assert tabs[1].json("DELETE", f"/financial-institutions/{number}").status_code == 200
        gone(site, tabs[0], number)


def test_row_28_an_account_deleted_during_its_refresh_stays_deleted(site: Site, tabs, peaceful):
    number = site.linked(tabs[0])
    account = first_account(tabs[0], number)
    with site.gate.stop("/transactions/sync", after=True) as stop:
        assert tabs[0].json("PATCH", f"/financial-institutions/{number}").status_code == 202
        stop.wait()
        assert tabs[1].json("DELETE", f"/accounts/{account['id']}").status_code == 200
    assert tabs[0].wait_until_done(number)["state"] == "healthy"
    assert first_account(tabs[0], number)["id"] != account["id"]
    left = site.rows("SELECT count(*) FROM transactions WHERE account_id = :id", id=account["id"])
    assert left == [(0,)]
    assert len(site.content(number)[1]) < len(peaceful[1])


def first_account(tab: Visitor, number: int) -> dict[str, Any]:
    """The checking account, which has transactions."""
    shown = tab.get("/dashboard.json").json()["institutions"]
    (accounts,) = [each["accounts"] for each in shown if each["id"] == number]
    return next((each for each in accounts if each["name"] == "Plaid Checking"), {"id": None})


def test_accounts_restored_during_a_refresh_come_back_whole(site: Site, tabs, peaceful):
    number = site.linked(tabs[0])
    account = first_account(tabs[0], number)
    assert tabs[0].json("DELETE", f"/accounts/{account['id']}").status_code == 200
    with site.gate.stop("/transactions/sync", after=True) as stop:
        assert tabs[0].json("PATCH", f"/financial-institutions/{number}").status_code == 202
        stop.wait()
        path = f"/financial-institutions/{number}/restore-accounts"
        assert tabs[1].json("POST", path, {}).status_code == 202
    assert tabs[0].wait_until_done(number)["state"] == "healthy"
    assert site.content(number) == peaceful


def nothing_of(site: Site, person_id: int) -> None:
    """No row of this person is left, and every Item of theirs is ended."""
    until(site.settled, "the person's Items are ended")
    for table in ("financial_institutions", "user_sessions"):
        query = f"SELECT count(*) FROM {table} WHERE user_id = :id"
        assert site.rows(query, id=person_id) == [(0,)], table
    for table in ("accounts", "transactions", "financial_institutions"):
        owner = "id" if table == "financial_institutions" else "financial_institution_id"
        orphans = f"SELECT count(*) FROM {table} WHERE {owner} NOT IN (SELECT id FROM financial_institutions)"
        assert site.rows(orphans) == [(0,)], table
    assert site.rows("SELECT count(*) FROM users WHERE id = :id", id=person_id) == [(0,)]


def newest_person(site: Site) -> int:
    ((number,),) = site.rows("SELECT max(id) FROM users")
    return number


@pytest.mark.parametrize("path", ["/accounts/balance/get", "/transactions/sync"])
def test_row_28_a_profile_deleted_during_a_refresh_stays_deleted(site: Site, tabs, path):
    person_id, number = newest_person(site), site.linked(tabs[0])
    with site.gate.stop(path, after=True) as stop:
        assert tabs[0].json("PATCH", f"/financial-institutions/{number}").status_code == 202
        stop.wait()
        site.delete_profile(tabs[1])
    nothing_of(site, person_id)


@pytest.mark.parametrize("after", [False, True])
def test_a_profile_deleted_while_it_links_stays_deleted_and_the_item_is_ended(site: Site, tabs, after):
    person_id = newest_person(site)
    with ThreadPoolExecutor(1) as pool, site.gate.stop(EXCHANGE, after=after) as stop:
        answer = pool.submit(tabs[0].link, site.token())
        stop.wait()
        site.delete_profile(tabs[1])
        stop.release()
        assert answer.result(30).status_code == 400
    nothing_of(site, person_id)


def test_a_profile_deleted_while_a_token_is_tried_again_leaves_no_item(site: Site, tabs):
    """The first try was cut off and left its note; the second one is exchanging when the person goes."""
    person_id, token = newest_person(site), site.token()
    with ThreadPoolExecutor(2) as pool, site.gate.stop(EXCHANGE) as first, site.gate.stop(EXCHANGE) as second:
        lost = pool.submit(tabs[0].link, token)
        first.wait().lose()
        assert lost.result(30).status_code == 503
        answer = pool.submit(tabs[0].link, token)
        second.wait()
        site.delete_profile(tabs[1])
        second.release()
        assert answer.result(30).status_code == 400
    nothing_of(site, person_id)


def test_a_profile_deleted_at_the_moment_its_bank_is_kept_stays_deleted(site: Site, other: AppServer):
    for _ in range(3):
        person = site.sign_up()
        person_id, tab = newest_person(site), site.tab(person, other)
        with ThreadPoolExecutor(1) as pool, site.gate.stop(EXCHANGE, after=True) as stop:
            answer = pool.submit(person.link, site.token())
            stop.wait().release()
            site.delete_profile(tab)
            assert answer.result(30).status_code < 500
        nothing_of(site, person_id)
