"""CashView's own gateway against the simulated Twilio: what each switch makes of a text, as the app is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from providers.base import OutgoingText, TextError, TextKind
from providers.twilio import TwilioGateway, TwilioOptions, valid_signature
from providers.twilio_errors import KIND_OF_CODE
from tests.simulator.controls import lift_all
from tests.simulator.phone import ADA, Phone, running_hook
from tests.support.simulator import (
    TWILIO_ACCOUNT_SID,
    TWILIO_AUTH_TOKEN,
    TWILIO_MESSAGING_SERVICE_SID,
    TWILIO_NUM,
)


@pytest.fixture
def phone(simulator_process):
    yield Phone(simulator_process)
    lift_all(simulator_process)


@pytest.fixture(params=["number", "service"])
def gateway(request, phone) -> TwilioGateway:
    sender = (
        {"number": TWILIO_NUM}
        if request.param == "number"
        else {"messaging_service_sid": TWILIO_MESSAGING_SERVICE_SID}
    )
    options = {"account_sid": TWILIO_ACCOUNT_SID, "auth_token": TWILIO_AUTH_TOKEN}
    return TwilioGateway(TwilioOptions(**options, **sender, base_url=phone.process.url))


def text(callback: str | None = None) -> OutgoingText:
    return OutgoingText(to=ADA, body="Hello", status_callback=callback, validity_seconds=600)


def test_a_text_is_sent_reported_and_found(gateway, phone):
    with running_hook() as hook:
        since = datetime.now(UTC).replace(microsecond=0)
        sent = gateway.send(text(hook.url))
        form, signed = hook.next()
        assert form["MessageSid"] == sent.sid
        assert valid_signature([TWILIO_AUTH_TOKEN], hook.url, form, signed)
        phone.until(sent.sid, "delivered")
        found = gateway.find(ADA, since)
        assert (found[0].sid, found[0].status, found[0].body) == (sent.sid, "delivered", "Hello")
        assert gateway.find(ADA, since + timedelta(hours=1)) == []


@pytest.mark.parametrize("code, kind", sorted(KIND_OF_CODE.items()))
def test_every_code_that_the_app_knows_can_be_switched_on(gateway, phone, code, kind):
    phone.switch("error", code=code, times=1)
    with pytest.raises(TextError) as refused:
        gateway.send(text())
    assert (refused.value.code, refused.value.kind) == (code, kind)


@pytest.mark.parametrize("kind", ["http_500", "html", "truncated", "empty"])
def test_what_cannot_be_read_is_unknown(gateway, phone, kind):
    phone.switch(kind, times=1)
    with pytest.raises(TextError) as refused:
        gateway.send(text())
    assert refused.value.kind == TextKind.UNKNOWN


def test_a_wait_that_twilio_asks_for_is_known(gateway, phone):
    phone.switch("error", code=20429, seconds=7, times=1)
    with pytest.raises(TextError) as refused:
        gateway.send(text())
    assert (refused.value.kind, refused.value.retry_after) == (TextKind.LIMIT, 7)


def test_a_dropped_connection_leaves_a_text_that_can_be_found(gateway, phone):
    since = datetime.now(UTC).replace(microsecond=0)
    phone.switch("drop", after=True, times=1)
    before = len(phone.messages())
    with pytest.raises(TextError) as refused:
        gateway.send(text())
    assert refused.value.kind == TextKind.UNKNOWN
    newest = phone.messages()[before]
    phone.until(newest["sid"], "delivered")
    assert newest["sid"] in [each.sid for each in gateway.find(ADA, since)]
