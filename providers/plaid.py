"""The Plaid gateway: plaid-python's requests and transport, our reading of the answers.

Answers are read raw (`_preload_content=False`) because typed models cost a second of CPU for a page of 500
transactions and turn exact decimals into floats. Every call has a time-out: the client's default is none.
The client is built once per process on first use, after fork; it is safe to share between threads.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

import plaid
from plaid.api import plaid_api
from plaid.model.accounts_balance_get_request import AccountsBalanceGetRequest
from plaid.model.accounts_get_request import AccountsGetRequest
from plaid.model.country_code import CountryCode
from plaid.model.institutions_get_by_id_request import InstitutionsGetByIdRequest
from plaid.model.institutions_get_by_id_request_options import InstitutionsGetByIdRequestOptions
from plaid.model.item_get_request import ItemGetRequest
from plaid.model.item_public_token_exchange_request import ItemPublicTokenExchangeRequest
from plaid.model.item_remove_request import ItemRemoveRequest
from plaid.model.item_webhook_update_request import ItemWebhookUpdateRequest
from plaid.model.link_token_create_request import LinkTokenCreateRequest
from plaid.model.link_token_create_request_update import LinkTokenCreateRequestUpdate
from plaid.model.link_token_create_request_user import LinkTokenCreateRequestUser
from plaid.model.link_token_transactions import LinkTokenTransactions
from plaid.model.products import Products
from plaid.model.sandbox_public_token_create_request import SandboxPublicTokenCreateRequest
from plaid.model.sandbox_public_token_create_request_options import SandboxPublicTokenCreateRequestOptions
from plaid.model.sandbox_public_token_create_request_options_transactions import (
    SandboxPublicTokenCreateRequestOptionsTransactions,
)
from plaid.model.transactions_sync_request import TransactionsSyncRequest
from plaid.model.transactions_sync_request_options import TransactionsSyncRequestOptions
from plaid.model.webhook_verification_key_get_request import WebhookVerificationKeyGetRequest
from urllib3 import Retry
from urllib3.exceptions import HTTPError

from providers import plaid_records as records
from providers.base import (
    Exchanged,
    Institution,
    ItemInfo,
    Kind,
    LinkToken,
    ProviderError,
    ReportedAccounts,
    SyncPage,
    WebhookKey,
)
from providers.plaid_errors import from_response, from_transport, kind_of

IN_REQUEST = (2.0, 4.0)
"""Connect and read seconds of calls a page waits for. A body may take half as long again: under 10 s in all."""
KEY_LOOK_UP = (2.0, 4.0)
"""Webhooks do not wait so long (providers.plaid_keys.PATIENCE): a slow answer is there for the vendor's next try."""
BACKGROUND = (5.0, 30.0)
REALTIME = (5.0, 60.0)
"""Plaid: /accounts/balance/get is usually under 10 s and may take 30 s or more."""
PAGE_SIZE = 500
DAYS_REQUESTED = 730
CLIENT_NAME = "CashView"


@dataclass(frozen=True, kw_only=True, repr=False)
class PlaidOptions:
    """What a gateway needs. `host` is the vendor's base URL without a trailing slash."""

    host: str
    client_id: str
    secret: str
    products: Sequence[str]
    country_codes: Sequence[str]
    redirect_uri: str | None = None
    webhook_url: str | None = None
    pool_size: int = 32
    pace: Callable[[str, str | None], None] | None = None
    """Called with the method and the Item's access token before each call: returns when it may be made."""


class PlaidGateway:
    """providers.base.BankGateway over Plaid's HTTP, in one environment."""

    def __init__(self, options: PlaidOptions) -> None:
        self._options = options
        self.webhook_url = options.webhook_url

    @cached_property
    def _client(self) -> plaid_api.PlaidApi:
        configuration = plaid.Configuration(
            host=self._options.host,
            api_key={"clientId": self._options.client_id, "secret": self._options.secret},
        )
        configuration.connection_pool_maxsize = self._options.pool_size
        # Nothing is tried again here: whoever asked knows whether to wait. A redirect is not followed with our keys.
        configuration.retries = Retry(  # pyright: ignore[reportAttributeAccessIssue] - it says None, and takes this
            connect=0, read=False, redirect=False, status=False, other=False
        )
        return plaid_api.PlaidApi(plaid.ApiClient(configuration))

    @cached_property
    def _country_codes(self) -> list[Any]:  # CountryCode, as far as the client's types can tell
        return [CountryCode(code) for code in self._options.country_codes]

    def create_link_token(self, user_id: int) -> LinkToken:
        """A Link token for this user. Data beyond transactions is asked for where a bank has it."""
        first, *others = self._options.products
        optional: dict[str, Any] = (
            {"optional_products": [Products(name) for name in others]} if others else {}
        )
        if self._options.webhook_url:
            optional["webhook"] = self._options.webhook_url
        return self._link_token(
            user_id,
            products=[Products(first)],
            transactions=LinkTokenTransactions(days_requested=DAYS_REQUESTED),
            **optional,
        )

    def create_update_token(
        self, user_id: int, access_token: str, *, choose_accounts: bool, ask_consent: bool
    ) -> LinkToken:
        """A token that opens Link on an Item that is there (update mode): it stays the same Item, with the same
        access token. Products are left out, as Plaid demands; consent to them may be asked for anew."""
        optional: dict[str, Any] = {}
        if choose_accounts:
            optional["update"] = LinkTokenCreateRequestUpdate(account_selection_enabled=True)
        if ask_consent:
            optional["additional_consented_products"] = [Products(name) for name in self._options.products]
        return self._link_token(user_id, access_token=access_token, **optional)

    def _link_token(self, user_id: int, **what: Any) -> LinkToken:
        if self._options.redirect_uri:
            what["redirect_uri"] = self._options.redirect_uri
        request = LinkTokenCreateRequest(
            client_name=CLIENT_NAME,
            language="en",
            country_codes=self._country_codes,
            user=LinkTokenCreateRequestUser(client_user_id=str(user_id)),
            **what,
        )
        raw = self._call("link_token_create", request, IN_REQUEST)
        with _reading():
            return records.link_token(raw)

    def create_sandbox_public_token(
        self, institution_id: str, products: list[str], username: str, password: str, start: date, end: date
    ) -> str:
        """A public token of a Sandbox login, without Link (Plaid Sandbox and the simulator only)."""
        hook = {"webhook": self._options.webhook_url} if self._options.webhook_url else {}
        options = SandboxPublicTokenCreateRequestOptions(
            override_username=username,
            override_password=password,
            transactions=SandboxPublicTokenCreateRequestOptionsTransactions(start_date=start, end_date=end),
            **hook,
        )
        request = SandboxPublicTokenCreateRequest(
            institution_id=institution_id,
            initial_products=[Products(name) for name in products],
            options=options,
        )
        raw = self._call("sandbox_public_token_create", request, IN_REQUEST)
        with _reading():
            return records.public_token(raw)

    def exchange(self, public_token: str) -> Exchanged:
        """The access token behind a public token; single use, 30 minutes (Kind.INPUT otherwise)."""
        request = ItemPublicTokenExchangeRequest(public_token=public_token)
        raw = self._call("item_public_token_exchange", request, IN_REQUEST)
        with _reading():
            return records.exchanged(raw)

    def item(self, access_token: str) -> ItemInfo:
        raw = self._call("item_get", ItemGetRequest(access_token=access_token), BACKGROUND)
        with _reading():
            return records.item_info(raw)

    def institution(self, institution_id: str) -> Institution:
        request = InstitutionsGetByIdRequest(
            institution_id=institution_id,
            country_codes=self._country_codes,
            options=InstitutionsGetByIdRequestOptions(include_optional_metadata=True),
        )
        raw = self._call("institutions_get_by_id", request, BACKGROUND)
        with _reading():
            return records.institution(raw)

    def accounts(self, access_token: str) -> ReportedAccounts:
        """Accounts with the balances the vendor last cached (free of charge)."""
        return self._accounts("accounts_get", AccountsGetRequest(access_token=access_token), BACKGROUND)

    def realtime_accounts(self, access_token: str) -> ReportedAccounts:
        """Accounts with balances fetched from the bank now (billed per call: only when the person asks)."""
        request = AccountsBalanceGetRequest(access_token=access_token)
        return self._accounts("accounts_balance_get", request, REALTIME)

    def _accounts(self, method: str, request: Any, timeout: tuple[float, float]) -> ReportedAccounts:
        """The accounts. An Item that waits for its person still answers with what was cached long ago, and says
        so in `item.error`: those are no fresh numbers, so it is that error here."""
        raw = self._call(method, request, timeout)
        with _reading():
            code = records.item_error(raw)
            accounts = ReportedAccounts(
                [records.account(row) for row in raw["accounts"]], records.consent_end(raw)
            )
        if code is not None and (kind := kind_of(code, None, 400)) in (Kind.LOGIN, Kind.GONE):
            raise ProviderError(code, kind)
        return accounts

    def sync(self, access_token: str, cursor: str | None) -> SyncPage:
        """One page of changes since `cursor`; None means from the beginning, up to two years back."""
        position = {"cursor": cursor} if cursor else {}
        options = TransactionsSyncRequestOptions(days_requested=DAYS_REQUESTED)
        request = TransactionsSyncRequest(
            access_token=access_token, count=PAGE_SIZE, options=options, **position
        )
        raw = self._call("transactions_sync", request, BACKGROUND)
        with _reading():
            return records.sync_page(raw)

    def remove(self, access_token: str) -> None:
        """End the Item and its billing. An Item that is gone already raises Kind.GONE."""
        self._call("item_remove", ItemRemoveRequest(access_token=access_token), BACKGROUND)

    def move_webhook(self, access_token: str, url: str) -> None:
        """Have the vendor send news of this Item to `url` from now on; a first piece of news goes there at once."""
        request = ItemWebhookUpdateRequest(access_token=access_token, webhook=url)
        self._call("item_webhook_update", request, BACKGROUND)

    def webhook_key(self, key_id: str) -> WebhookKey:
        """The key of this id that webhooks are signed with. Kind.INPUT when the vendor knows no such key."""
        request = WebhookVerificationKeyGetRequest(key_id=key_id)
        raw = self._call("webhook_verification_key_get", request, KEY_LOOK_UP)
        with _reading():
            return records.webhook_key(raw)

    def _call(self, method: str, request: Any, timeout: tuple[float, float]) -> dict[str, Any]:
        """One HTTP call; the JSON object of a 2xx answer. Everything else becomes a ProviderError."""
        if self._options.pace is not None:
            self._options.pace(method, request.get("access_token"))
        send = getattr(self._client, method)
        deadline = time.monotonic() + 1.5 * sum(timeout)
        try:
            response = send(request, _preload_content=False, _request_timeout=timeout)
            body = _read(response, deadline)
        except plaid.ApiException as error:
            if error.status:
                raise from_response(error.status, error.body) from None
            raise from_transport(error) from None
        except (HTTPError, UnicodeDecodeError, OSError) as error:
            raise from_transport(error) from None
        with _reading():
            # Whole numbers too: int() refuses thousands of digits, and such a balance is unknown, not an error.
            raw = json.loads(
                body, parse_float=Decimal, parse_int=Decimal, parse_constant=records.reject_constant
            )
            if not isinstance(raw, dict):
                raise TypeError("the answer is not a JSON object")
            return raw


def _read(response: Any, deadline: float) -> bytes:
    """The whole body, by a moment of the monotonic clock: the transport's time-out is for each piece alone, and a
    server that drips would hold us for ever."""
    pieces = []
    while piece := response.read1(1 << 16):
        pieces.append(piece)
        if time.monotonic() > deadline:
            response.close()
            raise TimeoutError
    response.release_conn()
    return b"".join(pieces)


@contextmanager
def _reading() -> Iterator[None]:
    """A 2xx answer we cannot read (HTML, truncated, a missing field) is the vendor's failure, not a crash."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        raise ProviderError("INVALID_RESPONSE", Kind.RETRY) from None
