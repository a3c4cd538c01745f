"""Gateways, built on first use: importing the app loads no vendor's client (0.8 s and 40 MB for Plaid's alone)."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from providers.base import (
    Asking,
    BankGateway,
    Banks,
    OutgoingText,
    ReadWebhook,
    SentText,
    TextGateway,
    Webhook,
)


class LazyBanks(Mapping[str, BankGateway]):
    """'sandbox' and 'production' to their gateways, as far as there are keys; KeyError otherwise.

    Built once per process, on first use, after fork: connections are never shared between processes.
    """

    def __init__(self, options: Mapping[str, dict[str, Any]]) -> None:
        self._options = options
        self._built: dict[str, BankGateway] = {}
        self._lock = threading.Lock()

    def __getitem__(self, environment: str) -> BankGateway:
        with self._lock:
            if environment not in self._built:
                self._built[environment] = _build(self._options[environment])
            return self._built[environment]

    def __iter__(self) -> Iterator[str]:
        return iter(self._options)

    def __len__(self) -> int:
        return len(self._options)


def _build(options: dict[str, Any]) -> BankGateway:
    from providers.pacing import Pacer
    from providers.plaid import PlaidGateway, PlaidOptions

    rest = {name: value for name, value in options.items() if name != "pacing"}
    pacing = options.get("pacing")  # (environment, where the counters are)
    return PlaidGateway(PlaidOptions(**rest, pace=Pacer(*pacing) if pacing else None))


class LazyWebhooks:
    """providers.base.ReadWebhook that builds the real one on first use, once per process, after fork: it remembers
    the vendor's keys, and its library takes a third of a second to load."""

    def __init__(self, banks: Banks, asking: Asking) -> None:
        self._banks, self._asking = banks, asking
        self._built: ReadWebhook | None = None
        self._lock = threading.Lock()

    def __call__(self, body: bytes, signature: str) -> Webhook:
        return self.load()(body, signature)

    def load(self) -> ReadWebhook:
        """The real one. Where webhooks are expected it is loaded before the first has to be answered in time."""
        with self._lock:
            if self._built is None:
                from providers.plaid_webhooks import PlaidWebhooks

                self._built = PlaidWebhooks(self._banks, asking=self._asking)
            return self._built


class LazyTexts:
    """providers.base.TextGateway that builds the real one on first use, once per process, after fork."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options
        self._built: TextGateway | None = None
        self._lock = threading.Lock()

    def send(self, text: OutgoingText) -> SentText:
        return self._gateway().send(text)

    def find(self, to: str, since: datetime) -> list[SentText]:
        return self._gateway().find(to, since)

    def _gateway(self) -> TextGateway:
        with self._lock:
            if self._built is None:
                self._built = _build_texts(self._options)
            return self._built


def _build_texts(options: dict[str, Any]) -> TextGateway:
    from providers.twilio import TwilioGateway, TwilioOptions

    return TwilioGateway(TwilioOptions(**options))
