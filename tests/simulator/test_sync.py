"""/transactions/sync: readiness, cursors, pages, changes as days pass."""

from __future__ import annotations

import time
from datetime import date, timedelta
from decimal import Decimal

import pytest

from tests.simulator.bank import TODAY, Bank, Ledger, Refused
from tests.support.simulator import SimulatorProcess

SYNC = "/transactions/sync"


def test_the_first_call_finds_nothing_and_the_second_everything(bank):
    token = bank.link("ins_sim_family")
    first = bank.call(SYNC, access_token=token, options={"days_requested": 730})
    request_id = first.pop("request_id")
    assert len(request_id) == 15
    assert first == {
        "accounts": [],
        "added": [],
        "modified": [],
        "removed": [],
        "next_cursor": "",
        "has_more": False,
        "transactions_update_status": "NOT_READY",
    }
    second = bank.call(SYNC, access_token=token, count=500)
    assert second["transactions_update_status"] == "HISTORICAL_UPDATE_COMPLETE"
    assert len(second["added"]) == 500
    assert second["has_more"]


def test_thirty_days_come_first_and_the_rest_soon_after():
    """With a wait of two seconds: NOT_READY, then about thirty days, then all."""
    with SimulatorProcess(today=TODAY, ready_ms=2000) as process:
        bank = Bank(process)
        ledger = Ledger(bank, bank.link("ins_sim_family"))
        told: list[tuple[str, int]] = []
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and (not told or told[-1][0] != "HISTORICAL_UPDATE_COMPLETE"):
            status = ledger.sync(days_requested=200)[-1]["transactions_update_status"]
            if not told or told[-1][0] != status:
                told.append((status, len(ledger.rows)))
                days = sorted(row["date"] for row in ledger.rows.values())
                if status == "INITIAL_UPDATE_COMPLETE":
                    assert date.fromisoformat(days[0]) >= date.fromisoformat(TODAY) - timedelta(days=30)
            time.sleep(0.05)
    assert [status for status, _ in told] == [
        "NOT_READY",
        "INITIAL_UPDATE_COMPLETE",
        "HISTORICAL_UPDATE_COMPLETE",
    ]
    assert 0 == told[0][1] < told[1][1] < told[2][1]
    assert date.fromisoformat(days[0]) < date.fromisoformat(TODAY) - timedelta(days=190)


@pytest.mark.parametrize("count", [1, 7, 100, 500])
def test_pages_of_any_size_tell_the_same(bank, count):
    token = bank.ready("ins_sim_family", days=30)
    whole, paged = Ledger(bank, token), Ledger(bank, token, count=count)
    whole.sync()
    pages = paged.sync()
    assert paged.rows == whole.rows
    assert paged.cursor == whole.cursor
    assert list(paged.rows) == list(whole.rows)
    assert [len(page["added"]) for page in pages[:-1]] == [count] * (len(pages) - 1)


def test_the_default_page_has_a_hundred_rows(bank):
    page = bank.call(SYNC, access_token=bank.ready("ins_sim_family"))
    assert (len(page["added"]), page["has_more"]) == (100, True)


def test_rows_come_in_the_order_in_which_they_were_first_added(bank):
    ledger = Ledger(bank, bank.ready("ins_sim_family"))
    ledger.sync()
    days = [row["date"] for row in ledger.rows.values()]
    recent = (date.fromisoformat(TODAY) - timedelta(days=30)).isoformat()
    split = next(index for index, day in enumerate(days) if day < recent)
    assert days[:split] == sorted(days[:split])  # the initial update
    assert days[split:] == sorted(days[split:])  # the historical one
    assert max(days[split:]) < recent


def test_the_same_cursor_gives_the_same_page(bank):
    token = bank.ready("ins_sim_family")
    first = bank.call(SYNC, access_token=token, count=40)
    again = [bank.call(SYNC, access_token=token, count=40, cursor=first["next_cursor"]) for _ in range(2)]
    assert again[0]["added"] == again[1]["added"]
    assert again[0]["next_cursor"] == again[1]["next_cursor"]
    ledger = Ledger(bank, token)
    ledger.sync()
    quiet = bank.call(SYNC, access_token=token, cursor=ledger.cursor)
    assert (quiet["added"], quiet["has_more"], quiet["next_cursor"]) == ([], False, ledger.cursor)


def test_cursors_are_opaque_short_and_belong_to_one_item(bank):
    mine, other = bank.ready("ins_sim_family"), bank.ready("ins_sim_family")
    cursor = bank.call(SYNC, access_token=mine, count=10)["next_cursor"]
    assert len(cursor) <= 256
    for wrong in (cursor + "A", "bm9uc2Vuc2U=", "%%%", "MDo5OTk5OjA6eA=="):
        with pytest.raises(Refused) as refused:
            bank.call(SYNC, access_token=mine, cursor=wrong)
        assert (refused.value.status, refused.value.code) == (400, "INVALID_FIELD")
    with pytest.raises(Refused, match="cursor not associated with access_token"):
        bank.call(SYNC, access_token=other, cursor=cursor)


def test_a_cursor_of_now_skips_what_was(bank):
    token = bank.ready("ins_sim_family")
    page = bank.call(SYNC, access_token=token, cursor="now")
    assert (page["added"], page["has_more"]) == ([], False)
    assert page["next_cursor"]


@pytest.mark.parametrize(
    "body", [{"count": 0}, {"count": 501}, {"count": "10"}, {"options": {"days_requested": 731}}]
)
def test_values_out_of_range_are_refused(bank, body):
    with pytest.raises(Refused) as refused:
        bank.call(SYNC, access_token=bank.link(), **body)
    assert refused.value.code == "INVALID_FIELD"


def test_one_account_can_be_followed_alone(bank):
    token = bank.ready("ins_sim_family")
    whole = Ledger(bank, token)
    accounts = whole.sync()[0]["accounts"]
    alone = Ledger(bank, token)
    pages = alone.sync(account_id=accounts[0]["account_id"])
    assert [each["account_id"] for each in pages[0]["accounts"]] == [accounts[0]["account_id"]]
    expected = {key for key, row in whole.rows.items() if row["account_id"] == accounts[0]["account_id"]}
    assert set(alone.rows) == expected
    with pytest.raises(Refused, match="cursor not associated"):
        bank.call(SYNC, access_token=token, cursor=alone.cursor)
    with pytest.raises(Refused) as refused:
        bank.call(SYNC, access_token=token, options={"account_id": "a" * 37})
    assert refused.value.code == "INVALID_ACCOUNT_ID"


def test_accounts_are_those_with_transactions(bank):
    page = bank.call(SYNC, access_token=bank.ready())
    assert sorted(each["mask"] for each in page["accounts"]) == ["0000", "1111", "2222", "3333", "4444"]
    assert bank.call(SYNC, access_token=bank.ready("ins_sim_brokerage"))["accounts"] == []


def test_history_is_as_long_as_was_asked_for(bank):
    today = date.fromisoformat(TODAY)

    def oldest(token: str) -> date:
        ledger = Ledger(bank, token)
        ledger.sync()
        return date.fromisoformat(min(row["date"] for row in ledger.rows.values()))

    def near(day: date, days: int) -> bool:
        return timedelta() <= day - (today - timedelta(days=days)) <= timedelta(days=6)

    assert near(oldest(bank.ready("ins_sim_family", days=730)), 730)
    token = bank.link("ins_sim_family")
    bank.call(SYNC, access_token=token)
    assert near(oldest(token), 90)
    window = {"start_date": "2026-10-01", "end_date": "2026-10-31"}
    token = bank.ready("ins_sim_family", days=730, transactions=window)
    ledger = Ledger(bank, token)
    ledger.sync()
    assert "2026-10-01" <= min(row["date"] for row in ledger.rows.values()) <= "2026-10-03"
    assert max(row["authorized_date"] for row in ledger.rows.values()) <= "2026-10-31"


def test_original_descriptions_and_old_categories_come_when_asked_for(bank):
    token = bank.ready("ins_sim_family")
    plain = bank.call(SYNC, access_token=token, count=100)["added"]
    options = {"include_original_description": True, "personal_finance_category_version": "v1"}
    asked = bank.call(SYNC, access_token=token, count=100, options=options)["added"]
    assert not any("original_description" in row for row in plain)
    assert all(row["original_description"] for row in asked)

    def categories(rows):
        return {
            row["personal_finance_category"]["detailed"] for row in rows if row["personal_finance_category"]
        }

    assert "INCOME_SALARY" in categories(plain)
    assert "INCOME_WAGES" in categories(asked)
    assert "INCOME_SALARY" not in categories(asked)


DAYS = ["2026-10-01", "2026-10-02", "2026-10-05", "2026-10-06", "2026-10-20", "2026-12-03"]


@pytest.fixture(scope="module")
def followed(tmp_path_factory) -> Ledger:
    """A client that followed an Item over two months, on some days; the simulator was started anew for each."""
    directory = tmp_path_factory.mktemp("followed")
    ledger: Ledger | None = None
    for day in DAYS:
        with SimulatorProcess(today=day, data_dir=directory) as process:
            bank = Bank(process)
            if ledger is None:
                ledger = Ledger(bank, bank.ready("ins_sim_family", days=60))
            ledger.bank = bank
            ledger.sync()
            fresh = Ledger(bank, ledger.token)
            fresh.sync()
            assert fresh.rows == ledger.rows, (
                f"on {day} who follows knows something else than who starts over"
            )
    assert ledger is not None
    return ledger


def test_days_bring_added_modified_and_removed(followed):
    later = followed.pages[2:]
    assert all(page["added"] for page in later)
    assert any(page["modified"] for page in later)
    assert any(page["removed"] for page in later)
    assert max(row["date"] for row in followed.rows.values()) > "2026-11-28"


def _told(ledger: Ledger) -> dict[str, dict]:
    """Every row that was ever told, as first told, by its id."""
    told: dict[str, dict] = {}
    for page in ledger.pages:
        for row in page["added"]:
            told.setdefault(row["transaction_id"], row)
    return told


def test_a_posted_row_replaces_its_pending_one(followed):
    told = _told(followed)
    gone = {row["transaction_id"] for page in followed.pages for row in page["removed"]}
    assert gone
    assert all(told[each]["pending"] for each in gone)
    replaced = {row["pending_transaction_id"] for row in told.values() if row["pending_transaction_id"]}
    for row in told.values():
        if row["pending_transaction_id"] in gone:
            before = told[row["pending_transaction_id"]]
            assert not row["pending"]
            assert before["account_id"] == row["account_id"]
    assert gone & replaced
    # Rows that were told as pending and are long past have gone or been replaced.
    assert not [row for row in followed.rows.values() if row["pending"] and row["date"] < "2026-11-20"]


def test_a_tip_is_added_between_pending_and_posted():
    """Restaurants, followed day by day."""
    tips = []
    with SimulatorProcess(today="2026-10-01") as process:
        bank = Bank(process)
        ledger = Ledger(bank, bank.ready("ins_sim_family"))
        ledger.sync()
        process.stop()
        for offset in range(1, 13):
            day = date(2026, 10, 1) + timedelta(days=offset)
            with SimulatorProcess(today=day, data_dir=process.data_dir) as later:
                ledger.bank = Bank(later)
                ledger.sync()
    told = _told(ledger)
    for row in told.values():
        before = told.get(row["pending_transaction_id"] or "")
        if before and before["amount"] != row["amount"]:
            tips.append(Decimal(str(row["amount"])) / Decimal(str(before["amount"])))
            assert row["personal_finance_category"]["detailed"] == "FOOD_AND_DRINK_RESTAURANT"
    assert tips
    assert all(Decimal("1.1") < tip < Decimal("1.25") for tip in tips)
    holds = {
        row["transaction_id"]
        for row in told.values()
        if row["pending"] and row["merchant_name"] and "Gas" in row["merchant_name"] + row["name"].title()
    }
    replaced = {row["pending_transaction_id"] for row in told.values()}
    gone = {row["transaction_id"] for page in ledger.pages for row in page["removed"]}
    assert (holds & gone) - replaced, "no hold vanished"


def test_a_history_asked_for_up_to_today_goes_on_tomorrow(tmp_path):
    window = {"start_date": "2026-11-01", "end_date": "2026-11-20"}
    with SimulatorProcess(today="2026-11-20", data_dir=tmp_path) as process:
        ledger = Ledger(Bank(process), Bank(process).ready("ins_sim_family", transactions=window))
        ledger.sync()
        before = set(ledger.rows)
    with SimulatorProcess(today="2026-11-24", data_dir=tmp_path) as process:
        ledger.bank = Bank(process)
        ledger.sync()
    new = [row for key, row in ledger.rows.items() if key not in before]
    assert max(row["authorized_date"] for row in new) > "2026-11-20"
