"""When to stop calling something that is down, and for how long. Pure: moments and counts come in as arguments.

After so many failures in a row nothing is called until a pause is over; then one probe decides for everybody.
The pause doubles with every failed probe.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

BANK_CODES = frozenset(
    {
        "INSTITUTION_DOWN",
        "INSTITUTION_NOT_RESPONDING",
        "INSTITUTION_NOT_AVAILABLE",
        "INSTITUTION_RATE_LIMIT",
    }
)
"""One bank is down or overrun; the vendor itself is well."""
VENDOR_CODES = frozenset(
    {"INTERNAL_SERVER_ERROR", "PLANNED_MAINTENANCE", "INVALID_RESPONSE", "INVALID_API_KEYS", "RATE_LIMIT"}
)
VENDOR_PREFIXES = ("TRANSPORT_", "HTTP_5", "HTTP_429")


OWN_PACE = "PACED"
"""We kept to the vendor's limits ourselves and made no call: nobody is in trouble."""


class Scope(StrEnum):
    """What a failure is a sign of: the vendor, one bank behind it, or neither (the vendor is well)."""

    VENDOR = "vendor"
    BANK = "bank"
    NEITHER = "neither"


def scope_of(code: str, *, is_limit: bool = False) -> Scope:
    """What this failure is a sign of. `is_limit`: the vendor slows us down (429); a bank's own limit is the bank's."""
    if code == OWN_PACE:
        return Scope.NEITHER
    if code in BANK_CODES:
        return Scope.BANK
    if is_limit or code in VENDOR_CODES or code.startswith(VENDOR_PREFIXES):
        return Scope.VENDOR
    return Scope.NEITHER


@dataclass(frozen=True, slots=True)
class Patience:
    """`failures` in a row open the breaker for `first`; each failed probe doubles that, up to `longest`."""

    failures: int
    first: timedelta
    longest: timedelta

    def pause(self, failures_in_a_row: int) -> timedelta | None:
        """How long nothing is called after so many failures in a row; None: go on calling."""
        probes = failures_in_a_row - self.failures
        if probes < 0:
            return None
        return min(self.longest, self.first * 2 ** min(probes, 20))


VENDOR = Patience(failures=8, first=timedelta(seconds=30), longest=timedelta(minutes=15))
BANK = Patience(failures=3, first=timedelta(minutes=5), longest=timedelta(hours=1))
PROBE = timedelta(seconds=90)
"""A probe that has not been heard of for so long has died: another may be made."""
