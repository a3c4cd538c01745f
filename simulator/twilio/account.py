"""The account at the simulated Twilio: its credentials and its senders."""

from __future__ import annotations

import hmac
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Account:
    """`number` (E.164) and the messaging service `service` are what it may send from.

    The test credentials check and refuse like the others, but nothing is kept, sent or called back.
    """

    sid: str = "AC00000000000000000000000000000001"
    token: str = "simulator-auth-token"  # noqa: S105
    number: str = "+15005550006"
    service: str = "MG00000000000000000000000000000001"
    test_sid: str = "AC00000000000000000000000000000002"
    test_token: str = "simulator-test-token"  # noqa: S105

    def knows(self, sid: str | None, token: str | None) -> bool:
        """Whether these are its credentials, or its test credentials."""
        ours = _same(sid, self.sid) and _same(token, self.token)
        return ours or (_same(sid, self.test_sid) and _same(token, self.test_token))


def _same(given: str | None, kept: str) -> bool:
    return hmac.compare_digest((given or "").encode(), kept.encode())
