"""The one thing to do about a connection, and when it ends."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from domain.connections import (
    Act,
    Standing,
    badge_of,
    chooses_accounts,
    coming_months,
    ends_words,
    need_of,
    state_of,
)
from domain.wording import FAILURES

NOW = datetime(2027, 4, 28, 17, 0, tzinfo=UTC)
ZONE = "America/New_York"
MAY_3 = datetime(2027, 5, 3, 15, 0, tzinfo=UTC)
NUMBERS_COME = Standing("healthy")


def act(standing: Standing) -> Act | None:
    need = need_of(standing, NOW, ZONE)
    return need.act if need else None


@pytest.mark.parametrize(
    "standing, wanted",
    [
        (NUMBERS_COME, None),
        (Standing("new"), None),
        (Standing("healthy", new_accounts=True), Act.CHOOSE),
        (Standing("healthy", expires_at=MAY_3), Act.RECONNECT),
        (Standing("healthy", expires_at=NOW + timedelta(days=7, seconds=1)), None),
        (Standing("healthy", expires_at=NOW + timedelta(days=7)), Act.RECONNECT),
        (Standing("expiring", "PENDING_DISCONNECT"), Act.RECONNECT),
        (Standing("needs_login", "ITEM_LOGIN_REQUIRED"), Act.RECONNECT),
        (Standing("needs_login", "ITEM_LOCKED"), Act.RECONNECT),
        (Standing("needs_login", "ADDITIONAL_CONSENT_REQUIRED"), Act.RECONNECT),
        (Standing("needs_login", "NO_ACCOUNTS"), Act.CHOOSE),
        (Standing("needs_login", "ACCESS_NOT_GRANTED"), Act.CHOOSE),
        (Standing("needs_login", "ITEM_LOGIN_REQUIRED", linked_anew=True), Act.MOVE),
        (Standing("revoked", "ITEM_NOT_FOUND"), Act.LINK),
        (Standing("revoked", "USER_PERMISSION_REVOKED", purged=True), Act.LINK),
        (Standing("revoked", "USER_PERMISSION_REVOKED", purged=True, linked_anew=True), Act.MOVE),
        (Standing("revoked", "ITEM_NOT_FOUND", linked_anew=True, leaves_nothing=True), Act.DELETE),
        (Standing("revoked", "ITEM_NOT_FOUND", being_prepared=True, leaves_nothing=True), Act.DELETE),
        (Standing("revoked", "ITEM_NOT_FOUND", being_prepared=True), Act.WAIT),
        (Standing("error", "INVALID_UPDATED_USERNAME", being_prepared=True), Act.WAIT),
        (Standing("needs_login", "ITEM_LOGIN_REQUIRED", being_prepared=True), Act.RECONNECT),
        (Standing("error", "INSTITUTION_DOWN"), Act.WAIT),
        (Standing("error", "INVALID_UPDATED_USERNAME"), Act.LINK),
        (Standing("error", "INSTITUTION_NO_LONGER_SUPPORTED"), Act.DELETE),
        (Standing("error", "INSTITUTION_REGISTRATION_REQUIRED"), Act.WAIT),
        (Standing("error", "UNAUTHORIZED_INSTITUTION"), Act.WAIT),
    ],
)
def test_there_is_one_thing_to_do(standing, wanted):
    assert act(standing) == wanted


@pytest.mark.parametrize("code", [*FAILURES, None, "A_CODE_OF_TOMORROW"])
@pytest.mark.parametrize("state", ["needs_login", "expiring", "revoked", "error"])
def test_every_trouble_has_a_sentence_without_a_code_in_it(state, code):
    need = need_of(Standing(state, code), NOW, ZONE)
    assert need is not None
    assert need.sentence.endswith(".")
    assert "_" not in need.sentence
    assert (need.label is None) == (need.act is Act.WAIT)


def test_withdrawn_access_says_that_the_data_is_gone():
    need = need_of(Standing("revoked", "USER_PERMISSION_REVOKED", purged=True), NOW, ZONE)
    assert need
    assert "deleted here" in need.sentence


def test_an_end_is_named_by_the_persons_own_day():
    late = datetime(2027, 5, 4, 2, 0, tzinfo=UTC)  # still May 3 in New York
    for moment in (MAY_3, late):
        assert ends_words(Standing("healthy", expires_at=moment), NOW, ZONE) == "Expires on Monday, May 3"
    need = need_of(Standing("healthy", expires_at=late), NOW, ZONE)
    assert need
    assert "on Monday, May 3" in need.sentence
    assert ends_words(NUMBERS_COME, NOW, ZONE) is None


def test_an_end_that_was_announced_without_its_day_is_one_by_which_it_comes():
    announced = Standing("expiring", "PENDING_DISCONNECT", expires_at=MAY_3, end_is_guessed=True)
    assert ends_words(announced, NOW, ZONE) == "Expires by Monday, May 3"
    need = need_of(announced, NOW, ZONE)
    assert need
    assert "ends by Monday, May 3. Reconnect soon" in need.sentence
    assert ends_words(announced, MAY_3 - timedelta(days=1), ZONE) == "Expires by tomorrow"
    assert ends_words(announced, MAY_3, ZONE) == "Expires today"
    for code in ("PENDING_EXPIRATION", "PENDING_DISCONNECT"):
        dated = Standing("expiring", code, expires_at=MAY_3)
        assert ends_words(dated, NOW, ZONE) == "Expires on Monday, May 3"


@pytest.mark.parametrize(
    "standing, shown, badge",
    [
        (NUMBERS_COME, "healthy", ("Healthy", "ok")),
        (Standing("healthy", new_accounts=True), "healthy", ("New accounts found", "ok")),
        (Standing("healthy", new_accounts=True), "refreshing", ("Refreshing", "busy")),
        (Standing("healthy", expires_at=MAY_3), "expiring", ("Expires on Monday, May 3", "warn")),
        (Standing("expiring", "PENDING_DISCONNECT"), "expiring", ("Expires soon", "warn")),
        (
            Standing("needs_login", "NO_ACCOUNTS", new_accounts=True),
            "needs_login",
            ("Choose accounts", "warn"),
        ),
        (Standing("error", "INVALID_UPDATED_USERNAME", linked_anew=True), "error", ("Linked anew", "warn")),
        (Standing("revoked", "ITEM_NOT_FOUND", being_prepared=True), "revoked", ("Linked anew", "warn")),
        (Standing("error", "INSTITUTION_DOWN", linked_anew=True), "refreshing", ("Refreshing", "busy")),
    ],
)
def test_a_badge_says_what_there_is_to_know(standing, shown, badge):
    assert badge_of(standing, shown, NOW, ZONE) == badge


@pytest.mark.parametrize(
    "standing",
    [
        Standing("healthy", expires_at=MAY_3, new_accounts=True),
        Standing("needs_login", "ITEM_LOGIN_REQUIRED", new_accounts=True),
    ],
)
def test_new_accounts_are_told_beside_what_is_more_urgent(standing):
    need = need_of(standing, NOW, ZONE)
    assert need
    assert need.act is Act.RECONNECT
    assert need.sentence.endswith("The bank has new accounts too: you can choose them on the way.")
    assert chooses_accounts(standing), "and so it is"


def test_what_stops_the_numbers_is_more_urgent_than_what_will():
    def urgency(standing: Standing) -> int:
        need = need_of(standing, NOW, ZONE)
        assert need
        return need.urgency

    order = [
        Standing("needs_login", "ITEM_LOGIN_REQUIRED", expires_at=MAY_3),
        Standing("revoked", "ITEM_NOT_FOUND"),
        Standing("healthy", expires_at=MAY_3),
        Standing("healthy", new_accounts=True),
        Standing("error", "INSTITUTION_DOWN"),
    ]
    assert [urgency(each) for each in order] == sorted({urgency(each) for each in order})


def test_only_a_healthy_connection_becomes_an_expiring_one():
    assert state_of(Standing("healthy", expires_at=MAY_3), NOW) == "expiring"
    for state in ("needs_login", "revoked", "error", "new"):
        assert state_of(Standing(state, expires_at=MAY_3), NOW) == state


def test_link_shows_the_accounts_when_they_are_the_matter():
    assert chooses_accounts(Standing("healthy", new_accounts=True))
    assert chooses_accounts(Standing("needs_login", "NO_ACCOUNTS"))
    assert not chooses_accounts(Standing("needs_login", "ITEM_LOGIN_REQUIRED"))


def test_the_coming_months_begin_with_this_one_and_cross_the_year():
    months = coming_months(date(2026, 11, 30))
    assert (str(months[0]), str(months[1]), str(months[2]), str(months[-1]), len(months)) == (
        "2026-11",
        "2026-12",
        "2027-01",
        "2027-10",
        12,
    )
