"""Scenarios by name, played by HTTP and met by a client."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from simulator import watched
from simulator.clock import Clock
from simulator.plaid import shown
from simulator.scenarios import play
from simulator.state import State
from tests.simulator.bank import NO_SPEC, SPEC, TODAY, Bank, Ledger, Refused, violations
from tests.simulator.controls import ask, lift_all, switches
from tests.simulator.receiver import Receiver

NAMES = [
    "bank_asks_to_log_in_again",
    "bank_wants_a_new_link",
    "tip_arrives",
    "bank_is_down_for_an_hour",
    "a_new_account_appears",
    "a_new_account_is_found",
    "an_account_vanishes",
    "a_balance_becomes_unknown",
    "pending_gas_hold_vanishes",
    "slow_bank",
    "history_changes_while_it_is_read",
    "access_expires_soon",
    "access_withdrawn_at_the_bank",
    "everything_fails_at_once",
    "back_to_normal",
]


@pytest.fixture(autouse=True)
def everything_off(simulator_process):
    yield
    play_by_http(simulator_process, "back_to_normal")
    assert switches(simulator_process) == []


@pytest.fixture
def ledger(bank) -> Ledger:
    """A client that has read all of an Item with a checking account, a savings account and a card."""
    read = Ledger(bank, bank.ready("ins_sim_family"))
    read.sync()
    return read


def play_by_http(process, name: str, **where: str) -> dict:
    status, answer = ask(process, "POST", f"/scenarios/{name}", where)
    assert status == 200, answer
    return answer


def item_id(bank: Bank, token: str) -> str:
    return bank.call("/item/get", access_token=token)["item"]["item_id"]


def code_of(bank: Bank, path: str, token: str) -> str | None:
    try:
        bank.call(path, access_token=token)
    except Refused as refused:
        return refused.code
    return None


def new_rows(ledger: Ledger) -> list[dict]:
    before = set(ledger.rows)
    ledger.sync()
    return [row for key, row in ledger.rows.items() if key not in before]


def available(bank: Bank, token: str, account_id: str) -> tuple[Decimal, Decimal]:
    balances = bank.accounts(token)[account_id]["balances"]
    return Decimal(str(balances["current"])), Decimal(str(balances["available"]))


def test_they_are_listed_in_words(simulator_process):
    status, answer = ask(simulator_process, "GET", "/scenarios")
    assert status == 200
    assert {each["name"] for each in answer["scenarios"]} == set(NAMES)
    for each in answer["scenarios"]:
        assert each["does"].endswith(".")
        assert each["look"].startswith(("Press Refresh", "Open CashView"))
        assert each["scope"] in {"item", "institution", "everybody"}


def test_a_bank_asks_to_log_in_again(simulator_process, bank, ledger):
    other = bank.link("ins_sim_cards")
    id_ = item_id(bank, ledger.token)
    answer = play_by_http(simulator_process, "bank_asks_to_log_in_again", item_id=id_)
    assert (answer["item_ids"], answer["happened"]) == ([id_], "Alder & Oak Bank now asks to sign in again.")
    assert code_of(bank, "/transactions/sync", ledger.token) == "ITEM_LOGIN_REQUIRED"
    assert code_of(bank, "/accounts/get", other) is None
    play_by_http(simulator_process, "back_to_normal", item_id=id_)
    assert code_of(bank, "/transactions/sync", ledger.token) is None


def test_a_tip_arrives(simulator_process, bank, ledger):
    id_ = item_id(bank, ledger.token)
    accounts = bank.accounts(ledger.token)
    answer = play_by_http(simulator_process, "tip_arrives", item_id=id_)
    assert "$48.00 is pending" in answer["happened"]
    (pending,) = new_rows(ledger)
    assert (pending["amount"], pending["pending"], pending["date"]) == (48, True, TODAY)
    paying = accounts[pending["account_id"]]["balances"]
    assert available(bank, ledger.token, pending["account_id"]) == (
        paying["current"],
        paying["available"] - Decimal("48.00"),
    )
    assert "posted at $57.60" in play_by_http(simulator_process, "tip_arrives", item_id=id_)["happened"]
    (posted,) = new_rows(ledger)
    assert pending["transaction_id"] not in ledger.rows
    assert (posted["amount"], posted["pending"]) == (Decimal("57.6"), False)
    assert posted["pending_transaction_id"] == pending["transaction_id"]
    assert available(bank, ledger.token, pending["account_id"])[1] == paying["available"] - Decimal("57.60")


def test_a_hold_vanishes(simulator_process, bank, ledger):
    id_ = item_id(bank, ledger.token)
    before = dict(ledger.rows)
    accounts = bank.accounts(ledger.token)
    play_by_http(simulator_process, "pending_gas_hold_vanishes", item_id=id_)
    (hold,) = new_rows(ledger)
    assert (hold["amount"], hold["pending"]) == (125, True)
    assert bank.accounts(ledger.token) != accounts
    assert "is gone" in play_by_http(simulator_process, "pending_gas_hold_vanishes", item_id=id_)["happened"]
    ledger.sync()
    assert ledger.rows == before
    assert bank.accounts(ledger.token) == accounts


class Watch(Clock):
    """A clock that a test moves on."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 20, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def today(self) -> date:
        return self.moment.date()


@pytest.mark.parametrize(
    "name, purchase, rows",
    [("tip_arrives", watched.DINNER, 1), ("pending_gas_hold_vanishes", watched.FUEL_HOLD, 0)],
)
def test_what_is_pending_ends_by_itself_after_a_minute(tmp_path, name, purchase, rows):
    """Also when only balances are asked for, after days of rest, and when the program was started anew."""
    clock = Watch()
    state = State(tmp_path, clock=clock, ready_ms=0)
    public = state.create_public_token(
        "sandbox", "ins_sim_family", "user_good", "pass_good", ["transactions"], None, None
    )
    item = state.exchange("sandbox", public)
    state.advance(item)
    clock.moment += timedelta(seconds=1)
    state.advance(item)
    before = shown.accounts(state, item)
    play(state, name)
    assert watched.pending_segment(item.segments, purchase)
    clock.moment += timedelta(seconds=59)
    assert shown.accounts(state, item) != before
    assert watched.pending_segment(item.segments, purchase)
    clock.moment += timedelta(days=3)
    again = State(tmp_path, clock=clock, ready_ms=0)
    (item,) = again.live_items()
    shown.accounts(again, item)
    assert watched.pending_segment(item.segments, purchase) is None
    assert [each.kind for each in item.segments[-2:]] == ["days", purchase.ended]
    log = again.log(item).events
    assert (
        sum(event.row.story.key == f"{purchase.name}-1" and event.row.phase == "posted" for event in log)
        == rows
    )


def test_a_bank_is_down_for_an_hour_and_no_other(simulator_process, bank, ledger):
    other = bank.link("ins_sim_cards")
    answer = play_by_http(simulator_process, "bank_is_down_for_an_hour", item_id=item_id(bank, ledger.token))
    (switch,) = answer["switches"]
    assert (switch["institution_id"], switch["code"]) == ("ins_sim_family", "INSTITUTION_DOWN")
    left = datetime.fromisoformat(switch["until"]) - datetime.combine(
        date.fromisoformat(TODAY), datetime.now(UTC).timetz()
    )
    assert timedelta(minutes=55) < left <= timedelta(hours=1)
    assert code_of(bank, "/accounts/get", ledger.token) == "INSTITUTION_DOWN"
    assert code_of(bank, "/accounts/get", other) is None
    assert code_of(bank, "/item/get", ledger.token) is None


def test_a_bank_can_be_down_before_anything_is_linked_there(simulator_process, bank):
    play_by_http(simulator_process, "bank_is_down_for_an_hour", institution_id="ins_109511")
    token = bank.link("ins_109511")
    assert code_of(bank, "/accounts/get", token) == "INSTITUTION_DOWN"


def test_everything_fails_at_once_and_is_back_to_normal(simulator_process, bank, ledger):
    other = bank.link("ins_sim_cards")
    play_by_http(simulator_process, "everything_fails_at_once")
    assert {code_of(bank, "/accounts/get", each) for each in (ledger.token, other)} == {"INSTITUTION_DOWN"}
    play_by_http(simulator_process, "back_to_normal")
    assert {code_of(bank, "/accounts/get", each) for each in (ledger.token, other)} == {None}


def test_back_to_normal_at_one_bank_leaves_the_others_alone(simulator_process, bank, ledger):
    other = bank.link("ins_sim_cards")
    for each in ("ins_sim_family", "ins_sim_cards"):
        play_by_http(simulator_process, "bank_is_down_for_an_hour", institution_id=each)
    play_by_http(simulator_process, "back_to_normal", institution_id="ins_sim_cards")
    assert code_of(bank, "/accounts/get", other) is None
    assert code_of(bank, "/accounts/get", ledger.token) == "INSTITUTION_DOWN"


def test_a_slow_bank_is_slow_and_nobody_else(simulator_process, bank, ledger):
    answer = play_by_http(simulator_process, "slow_bank", item_id=item_id(bank, ledger.token))
    (switch,) = answer["switches"]
    assert (switch["kind"], switch["milliseconds"], switch["endpoint"]) == ("latency", 8000, "bank")
    assert switch["institution_id"] == "ins_sim_family"


def test_pressing_twice_begins_anew_and_adds_nothing(simulator_process, bank):
    bank.link("ins_sim_cards")
    for name in ("slow_bank", "everything_fails_at_once"):
        first, second = (play_by_http(simulator_process, name)["switches"][0] for _ in range(2))
        assert second["until"] > first["until"]
    assert [each["kind"] for each in switches(simulator_process)] == ["latency", "error"]


def test_access_is_withdrawn(simulator_process, bank, ledger):
    play_by_http(simulator_process, "access_withdrawn_at_the_bank", item_id=item_id(bank, ledger.token))
    for path in ("/accounts/get", "/accounts/balance/get", "/transactions/sync"):
        assert code_of(bank, path, ledger.token) == "USER_PERMISSION_REVOKED"
    assert code_of(bank, "/item/remove", ledger.token) is None


def test_accounts_appear_and_vanish_and_become_unknown(simulator_process, bank, ledger):
    id_, before = item_id(bank, ledger.token), bank.accounts(ledger.token)
    for name in ("a_new_account_appears", "an_account_vanishes", "a_balance_becomes_unknown"):
        play_by_http(simulator_process, name, item_id=id_)
        for path in ("/accounts/get", "/accounts/balance/get"):
            answer = bank.call(path, access_token=ledger.token)
            assert not SPEC.exists() or violations(path, answer) == []
    now = bank.accounts(ledger.token)
    assert now != before
    assert sum(each["balances"]["current"] is None for each in now.values()) == 1
    play_by_http(simulator_process, "an_account_vanishes", item_id=id_)
    assert len(bank.accounts(ledger.token)) == len(now) - 1
    play_by_http(simulator_process, "back_to_normal")
    assert bank.accounts(ledger.token) == before


def test_the_last_account_stays(simulator_process, bank):
    id_ = item_id(bank, bank.link("ins_sim_loans"))
    statuses = [
        ask(simulator_process, "POST", "/scenarios/an_account_vanishes", {"item_id": id_})[0]
        for _ in range(12)
    ]
    assert statuses[-1] == 409
    assert 200 in statuses


@pytest.mark.parametrize("times", [1, 2])
def test_history_changes_while_it_is_read(simulator_process, bank, ledger, times):
    id_ = item_id(bank, ledger.token)
    play_by_http(simulator_process, "history_changes_while_it_is_read", item_id=id_)
    read = {"access_token": ledger.token, "count": 500}
    first = bank.call("/transactions/sync", **read, cursor=ledger.cursor)
    assert first["has_more"] is True
    with pytest.raises(Refused, match="TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION"):
        bank.call("/transactions/sync", **read, cursor=first["next_cursor"])
    assert [row["amount"] for row in new_rows(ledger)] == [Decimal("23.4")] * 2


@pytest.mark.skipif(not SPEC.exists(), reason=NO_SPEC)
def test_what_was_bought_is_valid_by_plaids_openapi(simulator_process, bank, ledger):
    id_ = item_id(bank, ledger.token)
    for name in ("tip_arrives", "pending_gas_hold_vanishes", "history_changes_while_it_is_read"):
        play_by_http(simulator_process, name, item_id=id_)
    lift_all(simulator_process)
    for page in ledger.sync():
        assert violations("/transactions/sync", page) == []


def test_without_a_name_it_is_the_newest_item_that_fits(simulator_process, bank, ledger):
    loans = bank.link("ins_sim_loans")
    tip = play_by_http(simulator_process, "tip_arrives")
    assert tip["item_ids"] == [item_id(bank, ledger.token)]
    login = play_by_http(simulator_process, "bank_asks_to_log_in_again")
    assert login["item_ids"] == [item_id(bank, loans)]


def test_at_an_institution_it_is_all_its_items(simulator_process, bank):
    tokens = {item_id(bank, each): each for each in (bank.link("ins_sim_coins"), bank.link("ins_sim_coins"))}
    answer = play_by_http(simulator_process, "bank_asks_to_log_in_again", institution_id="ins_sim_coins")
    assert set(answer["item_ids"]) == set(tokens)


def test_webhooks_go_with_them(simulator_process, bank):
    with Receiver() as receiver:
        token = bank.ready("ins_sim_family", webhook=receiver.url)
        assert receiver.next()[0]["webhook_code"] == "SYNC_UPDATES_AVAILABLE"
        Ledger(bank, token).sync()
        id_ = item_id(bank, token)
        for name in (
            "bank_asks_to_log_in_again",
            "back_to_normal",
            "a_new_account_appears",
            "tip_arrives",
            "access_expires_soon",
            "back_to_normal",
            "access_withdrawn_at_the_bank",
        ):
            play_by_http(simulator_process, name, item_id=id_)
        told = Counter(receiver.next()[0]["webhook_code"] for _ in range(7))
    assert told["LOGIN_REPAIRED"] == 2
    assert set(told) == {
        "ERROR",
        "LOGIN_REPAIRED",
        "NEW_ACCOUNTS_AVAILABLE",
        "PENDING_DISCONNECT",
        "SYNC_UPDATES_AVAILABLE",
        "USER_PERMISSION_REVOKED",
    }


@pytest.mark.parametrize(
    "body, status",
    [
        ({"item_id": "nobody"}, 400),
        ({"item_id": 7}, 400),
        ({"institution_id": "ins_0"}, 400),
        ({"colour": "red"}, 400),
        ([], 400),
        (b"{nonsense", 400),
        ({"item_id": "nobody", "institution_id": "ins_109508"}, 400),
        ({"institution_id": "ins_sim_forty"}, 409),
    ],
)
def test_nonsense_is_refused_in_words(simulator_process, body, status):
    got, answer = ask(simulator_process, "POST", "/scenarios/tip_arrives", body)
    assert got == status
    assert len(answer["error"]) > 10
    assert ask(simulator_process, "POST", "/scenarios/the_moon_falls")[0] == 404


def test_another_sites_page_can_play_nothing(simulator_process):
    status, _ = ask(
        simulator_process, "POST", "/scenarios/everything_fails_at_once", Sec_Fetch_Site="same-site"
    )
    assert status == 403
    assert switches(simulator_process) == []
