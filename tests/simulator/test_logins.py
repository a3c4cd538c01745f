"""What a login is answered: documented users, special passwords, custom users; and Link's side of the state."""

from __future__ import annotations

import json
import threading
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from simulator import logins
from simulator.clock import Clock
from simulator.errors import PlaidError
from simulator.institutions import catalogue
from simulator.link import renewal
from simulator.plaid import shown
from simulator.records import Item
from simulator.state import State
from tests.simulator.bank import Bank, Ledger, Refused
from tests.support.simulator import SimulatorProcess

BANK = "ins_109508"
DAY = date(2026, 11, 20)
DOCUMENTED_ERRORS = [
    "INVALID_CREDENTIALS",
    "INVALID_MFA",
    "ITEM_LOCKED",
    "ITEM_NOT_SUPPORTED",
    "MFA_NOT_SUPPORTED",
    "INSUFFICIENT_CREDENTIALS",
    "USER_SETUP_REQUIRED",
    "NO_ACCOUNTS",
    "INSTITUTION_DOWN",
    "INSTITUTION_NOT_RESPONDING",
    "INSTITUTION_NO_LONGER_SUPPORTED",
    "INTERNAL_SERVER_ERROR",
    "COUNTRY_NOT_SUPPORTED",
    "INVALID_SEND_METHOD",
]


class TestPasswords:
    @pytest.mark.parametrize("username", ["user_transactions_dynamic", "user_ewa_user", "user_yuppie"])
    def test_personas_take_any_password(self, username):
        assert logins.check(BANK, username, "whatever").kind == "ok"
        assert [each["type"] for each in logins.accounts(BANK, username, "whatever")] == [
            "depository",
            "credit",
        ]

    @pytest.mark.parametrize("code", DOCUMENTED_ERRORS)
    def test_error_passwords_give_that_error(self, code):
        outcome = logins.check(BANK, "user_good", f"error_{code}")
        assert outcome.kind == "error"
        assert outcome.error is not None
        assert outcome.error["error_code"] == code
        assert {"error_type", "error_message", "display_message"} <= set(outcome.error)

    @pytest.mark.parametrize(
        "username, password, code",
        [
            ("user_good", "wrong", "INVALID_CREDENTIALS"),
            ("nobody", "pass_good", "INVALID_CREDENTIALS"),
            ("User_Good", "pass_good", "INVALID_CREDENTIALS"),
            ("user_good", "error_NO_SUCH_CODE", "INVALID_CREDENTIALS"),
            ("user_good", "mfa_questions_0_1", "INVALID_CREDENTIALS"),
            ("user_good", "", "INSUFFICIENT_CREDENTIALS"),
            ("", "pass_good", "INSUFFICIENT_CREDENTIALS"),
            ("user_transactions_dynamic", " ", "INSUFFICIENT_CREDENTIALS"),
            ("user_good", '{"recaptcha":"bad"}', "RECAPTCHA_BAD"),
            ("user_custom", "pass_good", "INVALID_CREDENTIALS"),
            ("user_custom", "[]", "INVALID_CREDENTIALS"),
            ("user_custom", "[" * 50_000, "INVALID_CREDENTIALS"),
            ("user_custom", '{"force_error": "ITEM_LOCKED"}', "ITEM_LOCKED"),
            ("user_custom", '{"recaptcha": "bad"}', "RECAPTCHA_BAD"),
        ],
    )
    def test_wrong_ones_are_refused(self, username, password, code):
        outcome = logins.check(BANK, username, password)
        assert (outcome.kind, outcome.error and outcome.error["error_code"]) == ("error", code)

    def test_unhealthy_institutions_refuse_everybody(self):
        for institution_id, code in (
            ("ins_132361", "INSTITUTION_DOWN"),
            ("ins_133402", "INSTITUTION_NO_LONGER_SUPPORTED"),
        ):
            outcome = logins.check(institution_id, "user_good", "pass_good")
            assert outcome.error is not None
            assert outcome.error["error_code"] == code

    @pytest.mark.parametrize(
        "pin, kind", [("1234", "ok"), ("credential_good", "ok"), ("9", "error"), ("", "error")]
    )
    def test_one_institution_asks_for_a_pin(self, pin, kind):
        assert logins.check("ins_sim_pin", "user_good", "pass_good", pin).kind == kind
        assert (
            logins.check("ins_sim_pin", "user_good", "pass_good").kind == "ok"
        )  # not asked for, without Link

    @pytest.mark.parametrize(
        "password, type_, shape, answers",
        [
            ("mfa_device", "device", [1, 1], [None, "1234"]),
            (
                "mfa_questions_2_3",
                "questions",
                [3, 3],
                ["answer_0_0", "answer_0_1", "answer_0_2", "answer_1_0"],
            ),
            ("mfa_selections", "selections", [1], ["Yes"]),
            ("mfa_selections_1_2_3", "selections", [2], ["answer_1_1_0", "answer_1_2_0"]),
        ],
    )
    def test_second_steps(self, password, type_, shape, answers):
        outcome = logins.check(BANK, "user_good", password)
        assert outcome.kind == "mfa"
        assert outcome.mfa is not None
        assert outcome.mfa["type"] == type_
        assert [len(each) for each in outcome.mfa["rounds"]] == shape
        prompts = [prompt for each in outcome.mfa["rounds"] for prompt in each]
        assert [prompt["answer"] for prompt in prompts][: len(answers)] == answers
        assert all(
            prompt["answer"] in prompt["options"]
            for prompt in prompts
            if prompt["options"] and prompt["answer"]
        )

    def test_every_institution_shows_accounts(self):
        for institution in catalogue.all():
            shown = logins.accounts(institution.institution_id, "user_good", "pass_good")
            assert shown
            assert len({each["id"] for each in shown}) == len(shown)


def custom(**more: Any) -> dict[str, Any]:
    return {
        "override_accounts": [{"type": "depository", "subtype": "checking", "starting_balance": 100} | more]
    }


@pytest.fixture(scope="module")
def module_bank(simulator_process) -> Bank:
    return Bank(simulator_process)


class TestCustomUsers:
    """Items of `user_custom`, over HTTP, on 20 November."""

    def test_accounts_are_as_asked_for(self, module_bank):
        config = {
            "override_accounts": [
                {
                    "type": "depository",
                    "subtype": "checking",
                    "starting_balance": 1234.5678,
                    "force_available_balance": 0,
                    "currency": "CAD",
                    "meta": {"name": "Mine", "official_name": "My Own", "mask": "0007"},
                    "numbers": {"account": "1"},
                },
                {"type": "credit", "subtype": "credit card", "starting_balance": -20, "meta": {"limit": 750}},
                {"type": "credit", "subtype": "credit card", "starting_balance": 5, "meta": {"limit": None}},
                {"type": "loan", "subtype": "student", "starting_balance": 9000},
                {"type": "investment", "subtype": "brokerage", "starting_balance": 1e6},
            ]
        }
        checking, card, unlimited, loan, broker = module_bank.accounts(
            module_bank.link(BANK, "user_custom", config)
        ).values()
        assert (checking["name"], checking["official_name"], checking["mask"]) == ("Mine", "My Own", "0007")
        assert checking["balances"] == {
            "available": 0,
            "current": Decimal("1234.5678"),
            "limit": None,
            "iso_currency_code": "CAD",
            "unofficial_currency_code": None,
        }
        assert (card["balances"]["current"], card["balances"]["limit"]) == (-20, 750)
        assert unlimited["balances"]["limit"] is None
        assert (loan["balances"]["available"], loan["balances"]["current"]) == (None, 9000)
        assert broker["balances"]["current"] == 1_000_000

    def test_an_empty_object_gives_random_accounts_with_a_life(self, module_bank):
        ledger = Ledger(module_bank, module_bank.ready(BANK, "user_custom", {}))
        ledger.sync()
        assert len(module_bank.accounts(ledger.token)) == 3
        assert len(ledger.rows) > 60

    def test_listed_transactions_are_told_and_nothing_else(self, module_bank):
        rows = [
            _row("2026-11-02", "2026-11-04", 12.5, "Grocery store"),
            _row("2026-11-05", "2026-11-05", -2000, "ACME PAYROLL"),
            _row(
                "2026-11-19",
                "2026-11-25",
                40,
                "Restaurant",
                simulator={"pending_amount": 33, "merchant_name": "R"},
            ),
            _row("2026-11-19", "2026-11-21", 100, "Fuel hold", simulator={"vanishes": True}),
            _row("2026-11-06", "2026-11-06", 9, "???", simulator={"category": None}),
            _row("2026-11-07", "2026-11-07", 8, "Elsewhere", currency="EUR"),
        ]
        ledger = Ledger(module_bank, module_bank.ready(BANK, "user_custom", custom(transactions=rows)))
        ledger.sync()
        told = {row["name"]: row for row in ledger.rows.values()}
        assert set(told) == {row["description"] for row in rows}
        shopping = told["Grocery store"]
        assert (shopping["amount"], shopping["date"], shopping["authorized_date"], shopping["pending"]) == (
            Decimal("12.5"),
            "2026-11-04",
            "2026-11-02",
            False,
        )
        assert shopping["personal_finance_category"]["detailed"] == "FOOD_AND_DRINK_GROCERIES"
        assert told["ACME PAYROLL"]["personal_finance_category"]["primary"] == "INCOME"
        assert (told["Restaurant"]["pending"], told["Restaurant"]["amount"]) == (True, 33)
        assert told["???"]["personal_finance_category"] is None
        assert told["Elsewhere"]["iso_currency_code"] == "EUR"
        checking = next(iter(module_bank.accounts(ledger.token).values()))["balances"]
        assert (checking["current"], checking["available"]) == (100, 100 - 33 - 100)

    def test_a_custom_tip_and_a_custom_hold_come_to_their_ends(self, tmp_path):
        rows = [
            _row("2026-11-19", "2026-11-21", 40, "Restaurant", simulator={"pending_amount": 33}),
            _row("2026-11-19", "2026-11-21", 100, "Fuel hold", simulator={"vanishes": True}),
        ]
        with SimulatorProcess(today="2026-11-20", data_dir=tmp_path) as process:
            ledger = Ledger(
                Bank(process), Bank(process).ready(BANK, "user_custom", custom(transactions=rows))
            )
            ledger.sync()
            pending = next(row for row in ledger.rows.values() if row["name"] == "Restaurant")
        with SimulatorProcess(today="2026-11-21", data_dir=tmp_path) as process:
            ledger.bank = Bank(process)
            ledger.sync()
            balances = next(iter(ledger.bank.accounts(ledger.token).values()))["balances"]
        (posted,) = ledger.rows.values()
        assert posted["pending_transaction_id"] == pending["transaction_id"]
        assert (posted["amount"], posted["pending"], posted["date"]) == (40, False, "2026-11-21")
        assert (balances["current"], balances["available"]) == (60, 60)

    def test_two_items_of_one_seed_tell_one_life(self, module_bank):
        """The payment that leaves checking at the bank is the payment that arrives at the card issuer."""
        bank = {"seed": "one-life"} | custom(starting_balance=4200)
        issuer = {
            "seed": "one-life",
            "override_accounts": [{"type": "credit", "subtype": "credit card", "starting_balance": 640}],
        }
        sides = []
        for config, institution_id in ((bank, BANK), (issuer, "ins_sim_cards")):
            ledger = Ledger(module_bank, module_bank.ready(institution_id, "user_custom", config, days=180))
            ledger.sync()
            paid = {
                row["authorized_date"]: row["amount"]
                for row in ledger.rows.values()
                if "CREDIT CARD" in row["name"] or "THANK YOU" in row["name"]
            }
            sides.append(paid)
        assert len(sides[0]) in {5, 6}
        assert {day: -amount for day, amount in sides[1].items()} == sides[0]

    @pytest.mark.parametrize(
        "config",
        [
            {"override_accounts": [{"type": "depository", "subtype": "checking"}] * 11},
            {"override_accounts": [{"subtype": "checking"}]},
            custom(starting_balance="100"),
            custom(transactions=[{"amount": 1}]),
            custom(
                transactions=[{"date_transacted": "x", "date_posted": "y", "amount": 1, "description": "z"}]
            ),
            {"seed": "x" * 56_000},
        ],
    )
    def test_what_is_wrong_is_refused(self, module_bank, config):
        with pytest.raises(Refused) as caught:
            module_bank.link(BANK, "user_custom", config)
        assert caught.value.code == "INVALID_CREDENTIALS"


def _row(transacted: str, posted: str, amount: float, description: str, **more: Any) -> dict[str, Any]:
    row = {"date_transacted": transacted, "date_posted": posted, "amount": amount, "description": description}
    return row | more


@pytest.fixture
def state(tmp_path) -> State:
    return State(tmp_path, "test", Clock(DAY), ready_ms=0)


def _link_token(state: State, **more: Any) -> str:
    asked = {
        "client_name": "CashView",
        "products": ["transactions"],
        "country_codes": ["US"],
        "language": "en",
        "update_mode": False,
        "access_token": None,
        "redirect_uri": None,
        "institution_id": None,
    }
    return state.create_link_token("sandbox", **(asked | more)).link_token


def _take(
    state: State, ids: list[str] | None, link_token: str | None = None, institution_id: str = BANK
) -> Item:
    made = state.create_public_token(
        "sandbox", institution_id, "user_good", "pass_good", ["transactions"], ids, link_token
    )
    return state.exchange("sandbox", made)


class TestLinksSide:
    """The seam between the simulator's Link and its state."""

    def test_the_ids_that_link_shows_are_those_of_the_item(self, state):
        shown = logins.accounts(BANK, "user_good", "pass_good")
        chosen = [shown[4]["id"], shown[0]["id"]]
        item = _take(state, chosen, _link_token(state))
        from simulator.plaid.render import account_id

        assert [account_id(item, each.key) for each in state.life(item).accounts] == [chosen[1], chosen[0]]

    def test_the_next_item_of_a_login_has_other_ids(self, state):
        first = logins.accounts(BANK, "user_good", "pass_good")
        _take(state, [first[0]["id"]])
        second = logins.accounts(BANK, "user_good", "pass_good")
        assert not {each["id"] for each in first} & {each["id"] for each in second}

    def test_two_people_at_once_both_get_the_accounts_they_chose(self, state):
        shown = logins.accounts(BANK, "user_good", "pass_good")
        items = [_take(state, [shown[index]["id"]]) for index in (0, 3)]
        assert [state.life(item).accounts[0].mask for item in items] == ["0000", "3333"]
        assert items[0].secret != items[1].secret

    def test_an_id_that_was_never_shown_is_refused(self, state):
        with pytest.raises(ValueError, match="not shown"):
            _take(state, ["x" * 37])

    def test_link_fixes_how_much_history_there_is(self, state):
        item = _take(state, None, _link_token(state, days_requested=365))
        state.advance(item, days_requested=730)
        assert item.days_requested == 365
        item = _take(state, None, _link_token(state))
        state.advance(item, days_requested=730)
        assert item.days_requested == 90

    def test_optional_products_are_added_where_the_institution_has_them(self, state):
        link_token = _link_token(state, optional_products=["liabilities", "statements"])
        assert _take(state, None, link_token).products == ["transactions", "liabilities"]

    def test_update_mode_repairs_the_item_and_keeps_it(self, state):
        item = _take(state, None)
        item.error_code = "ITEM_LOGIN_REQUIRED"
        update = {
            "products": [],
            "update_mode": True,
            "access_token": item.access_token,
            "institution_id": BANK,
        }
        link = state.link_session(_link_token(state, **update))
        assert state.exchange("sandbox", renewal.renewed(state, link)) is item
        assert item.error_code is None
        assert len(shown.accounts(state, item)) == 14
        choosing = state.link_session(_link_token(state, **update, account_selection=True))
        first = renewal.choices(state, choosing)[0]
        assert state.exchange("sandbox", renewal.share(state, choosing, [first["id"]])) is item
        assert [account.mask for account, _ in shown.accounts(state, item)] == ["0000"]

    def test_link_tokens_expire(self, tmp_path):
        state = State(tmp_path, "test", Clock(DAY))
        link_token = _link_token(state)
        assert state.link_session(link_token) is not None
        assert state.link_session("link-sandbox-nonsense") is None
        assert State(tmp_path, "test", Clock(date(2026, 11, 21))).link_session(link_token) is None

    def test_everything_survives_a_restart(self, state, tmp_path):
        link_token = _link_token(state, days_requested=200)
        unused = state.create_public_token(
            "production", BANK, "user_custom", json.dumps({"seed": "s"}), ["transactions"], None, link_token
        )
        items = [_take(state, None), _take(state, None, institution_id="ins_sim_family")]
        state.advance(items[1])
        state.advance(items[1])
        state.remove(items[0])
        again = State(tmp_path, "test", Clock(DAY), ready_ms=0)
        assert again.link_session(link_token) == state.link_session(link_token)
        assert again.item("sandbox", items[1].access_token) == items[1]
        assert again.balances(items[1]) == state.balances(items[1])
        assert again.log(items[1]).events == state.log(items[1]).events
        with pytest.raises(PlaidError) as caught:
            again.item("sandbox", items[0].access_token)
        assert caught.value.kind.code == "ITEM_NOT_FOUND"
        assert again.exchange("production", unused).days_requested == 200

    def test_a_public_token_is_exchanged_once_by_many_threads(self, state):
        public_token = state.create_public_token(
            "sandbox", BANK, "user_good", "pass_good", ["auth"], None, None
        )
        won, lost = [], []
        gate = threading.Barrier(64)

        def exchange() -> None:
            gate.wait(10)
            try:
                won.append(state.exchange("sandbox", public_token))
            except PlaidError as error:
                lost.append(error.kind.code)

        threads = [threading.Thread(target=exchange) for _ in range(64)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert len(won) == 1
        assert lost == ["INVALID_PUBLIC_TOKEN"] * 63
