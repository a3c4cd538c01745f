"""Truth against an outside oracle: whatever happened at the banks, on the way and in the app, CashView shows what
a model written from Plaid's documents says, exactly, after every refresh; and after a failed one what it showed.

ORACLE_LIVES=500 lives that many random lives instead of the few, always the same, of the normal run;
ORACLE_DAYS=40 makes them longer. A life that went wrong is made as short as it can be with ORACLE_SHRINK=1
(minutes).
"""

from __future__ import annotations

import ast
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings

import background
from tests.faults.vendor import FaultyPlaid
from tests.oracle.days import Day, Deed, lives
from tests.oracle.household import Household, Linked
from tests.oracle.vendor import CALM, Vendor

LONG = int(os.environ.get("ORACLE_LIVES", "0"))
DAYS = int(os.environ.get("ORACLE_DAYS", "20"))
MOST_BANKS = 3


class AtOnce:
    """Background work is done in the request; what is to come later waits for the sweep."""

    def submit(self, name: str, ids: dict[str, int], delay: float) -> None:
        if delay == 0:
            background.handler(name)(**ids)


@pytest.fixture(scope="module")
def server() -> Iterator[FaultyPlaid]:
    with FaultyPlaid() as server:
        yield server


@pytest.fixture
def oracle_app(app_with: Callable[..., Flask], server: FaultyPlaid) -> Iterator[Flask]:
    app = app_with(plaid_base_url=server.url)
    background.use(AtOnce())
    yield app
    background.use(None)


def live(household: Household, life: list[Day]) -> None:
    """Live through the days; after every deed all that is shown is compared."""
    for number, day in enumerate(life):
        household.day()
        for pick, event in day.events:
            if household.linked:
                _picked(household, pick).bank.happen(event)
        if number == 0:
            _link(household, Deed("link", 2, 0, CALM), day)
        for deed in day.deeds:
            _do(household, deed, day)
            household.check()


def _picked(household: Household, pick: int) -> Linked:
    return household.linked[pick % len(household.linked)]


def _link(household: Household, deed: Deed, day: Day) -> None:
    if len(household.linked) < MOST_BANKS:
        opening = [event for _, event in day.events if event.name not in ("end", "lose_login")]
        household.link(opening, deed.variant % 4, deed.plan, broken=deed.pick == 7)


def _do(household: Household, deed: Deed, day: Day) -> None:
    if deed.name == "link":
        _link(household, deed, day)
    elif not household.linked:
        return
    elif deed.name == "job":
        household.job(deed.pick, deed.plan)
    elif deed.name == "sweep":
        household.sweep(deed.plan)
    elif deed.name == "ask":
        household.ask(_picked(household, deed.pick), deed.plan)
    elif deed.name == "restore":
        household.restore(_picked(household, deed.pick), deed.plan)
    elif deed.name == "delete_account":
        household.delete_account(_picked(household, deed.pick), deed.variant)
    elif deed.name == "forget":
        household.forget(_picked(household, deed.pick), broken=deed.variant % 2 == 0)


def settle(household: Household) -> None:
    """Whatever went before: on a calm day everything comes right, and what was deleted is ended at the vendor."""
    household.day()
    for one in household.linked:
        one.bank.wants_login, one.bank.not_ready = False, 0
    if any(one.ledger.state != "revoked" for one in household.linked):
        household.job(0, CALM)
        household.check()
    for one in household.linked:
        if one.ledger.state != "revoked":
            known = {row.id for row in one.bank.rows.values() if row.account in one.ledger.accounts}
            assert one.ledger.rows.keys() == known
    gone = household.vendor.banks.keys() - {one.bank.item_id for one in household.linked}
    household.remove_items()
    assert household.vendor.removed == gone


PROFILE = settings(
    max_examples=LONG or 20,
    derandomize=not LONG,
    database=None,
    deadline=None,
    print_blob=True,
    report_multiple_bugs=False,
    phases=(Phase.generate, Phase.shrink) if os.environ.get("ORACLE_SHRINK") else (Phase.generate,),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def test_what_is_shown_is_what_the_oracle_says(oracle_app, server, monkeypatch):
    counts: Counter[str] = Counter()

    def hurry(hangs: bool) -> None:
        for name in ("BACKGROUND", "REALTIME"):
            monkeypatch.setattr(f"providers.plaid.{name}", (5.0, 1.0 if hangs else 30.0))

    @PROFILE
    @given(life=lives(DAYS))
    def every_life(life: list[Day]) -> None:
        household = Household(oracle_app, Vendor(server, hurry))
        live(household, life)
        settle(household)
        counts.update({"lives": 1, "days": len(life), **household.refreshes})

    every_life()
    sys.stdout.write(f"\n{dict(counts)}\n")  # seen with -s
    enough = {"lives": 20, "days": 200, "good": 200, "failed": 50}
    assert all(counts[name] >= least for name, least in enough.items()), counts


OURS = {
    "app", "background", "CronJobs", "config", "database", "domain", "extensions", "forms", "models", "providers",
    "services", "simulator", "vault", "views",
}  # fmt: skip


@pytest.mark.parametrize("name", ["records.py", "bank.py", "ledger.py", "words.py", "vendor.py", "days.py"])
def test_the_oracle_imports_nothing_of_what_it_judges(name):
    tree = ast.parse((Path(__file__).parent / name).read_text(encoding="utf-8"))
    modules = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    modules += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    assert not {module.split(".")[0] for module in modules} & OURS
