"""The HTTP under Twilio's client: a time-out always, no redirects, nothing logged, failures as TextError.

The client alone would not do: its exceptions carry no headers (Retry-After), and a broken connection does not say
whether the request had left. That decides whether a text may be tried again, so it is watched here.
"""

from __future__ import annotations

import threading
from typing import Any

from requests import Response as RawResponse
from requests.adapters import HTTPAdapter
from requests.exceptions import SSLError
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from providers.twilio_errors import from_response, from_transport

_wire = threading.local()
"""`_wire.began`: whether this thread's present call has started to write its request."""


class _Watched(HTTPConnection):
    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is None:
            self.connect()
        _wire.began = True
        super().request(*args, **kwargs)


class _WatchedTls(HTTPSConnection):
    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is None:
            self.connect()
        _wire.began = True
        super().request(*args, **kwargs)


class _WatchingAdapter(HTTPAdapter):
    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool = super().get_connection_with_tls_context(*args, **kwargs)
        pool.ConnectionCls = (  # pyright: ignore[reportAttributeAccessIssue] - narrower than what it takes
            _WatchedTls if pool.scheme == "https" else _Watched
        )
        return pool


class CarefulHttpClient(TwilioHttpClient):
    """Twilio's HTTP client; `request` gives 2xx answers and raises TextError for every other outcome.

    `timeout` is seconds for the connection, and again for each wait for an answer. `proxies`: whether the machine's
    proxy and certificate settings count (they must not for an address of this machine). Certificates are checked
    always: there is no setting that turns that off.
    """

    def __init__(self, timeout: float, pool_size: int, *, proxies: bool) -> None:
        super().__init__(timeout=timeout, request_hooks={"response": [_as_utf8]})
        assert self.session is not None  # noqa: S101 - it has one unless told otherwise
        self.session.trust_env = proxies
        for scheme in ("https://", "http://"):
            self.session.mount(scheme, _WatchingAdapter(pool_maxsize=pool_size))

    def request(self, *args: Any, **kwargs: Any) -> Response:
        _wire.began = False
        try:
            response = super().request(*args, **{**kwargs, "allow_redirects": False})
        except (OSError, HTTPError) as error:
            raise from_transport(error, began=_wire.began, tls=isinstance(error, SSLError)) from None
        if 200 <= response.status_code < 300:
            return response
        retry_after = response.headers.get("Retry-After") if response.headers else None
        raise from_response(response.status_code, response.text, retry_after)

    def log_request(self, kwargs: dict[str, Any]) -> None:
        """Nothing: the address of a look-up holds a phone number."""

    def log_response(self, status_code: int, response: RawResponse) -> None:
        """Nothing, for the same reason."""


def _as_utf8(response: RawResponse, **_kwargs: Any) -> None:
    """JSON is UTF-8; without a charset in the header the library would guess from the letters."""
    response.encoding = "utf-8"
