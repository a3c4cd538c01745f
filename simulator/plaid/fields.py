"""Reading a request body: Plaid's errors for what is missing, unknown or of the wrong kind."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any

from simulator.errors import PlaidError


class Fields:
    """A JSON object from a request. `where` is its place in the body, for messages ("options.")."""

    def __init__(self, values: dict[str, Any], where: str = "") -> None:
        self._values = values
        self._where = where

    def __contains__(self, name: str) -> bool:
        return self._values.get(name) is not None

    def check(self, required: Collection[str], optional: Collection[str] = ()) -> None:
        """MISSING_FIELDS and UNKNOWN_FIELDS, by name."""
        missing = [self._where + name for name in required if self._values.get(name) in (None, "")]
        if missing:
            raise PlaidError(
                "MISSING_FIELDS", f"the following required fields are missing: {', '.join(missing)}"
            )
        unknown = sorted(self._where + name for name in self._values if name not in {*required, *optional})
        if unknown:
            names = ", ".join(unknown)
            raise PlaidError(
                "UNKNOWN_FIELDS", f"the following fields are not recognized by this endpoint: {names}"
            )

    def text(self, name: str) -> str:
        """A string that is there; MISSING_FIELDS or INVALID_FIELD otherwise."""
        value = self.optional_text(name)
        if value is None:
            raise PlaidError(
                "MISSING_FIELDS", f"the following required fields are missing: {self._where}{name}"
            )
        return value

    def optional_text(self, name: str) -> str | None:
        value = self._values.get(name)
        if value is not None and not isinstance(value, str):
            raise self.invalid(name, "must be a string")
        return value

    def flag(self, name: str) -> bool:
        value = self._values.get(name, False)
        if value is not None and not isinstance(value, bool):
            raise self.invalid(name, "must be a boolean")
        return bool(value)

    def whole(self, name: str, low: int, high: int) -> int | None:
        value = self._values.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self.invalid(name, f"must be an integer from {low} to {high}")
        return value

    def texts(self, name: str) -> list[str]:
        """A list of strings; empty when it is not there."""
        value = self._values.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise self.invalid(name, "must be a list of strings")
        return value

    def day(self, name: str) -> date | None:
        text = self.optional_text(name)
        try:
            return None if text is None else date.fromisoformat(text)
        except ValueError:
            raise self.invalid(name, "must be a date like 2026-01-31") from None

    def object(self, name: str, known: Collection[str]) -> Fields:
        """An object in this one, with only known fields; empty when it is not there."""
        value = self._values.get(name)
        if value is not None and not isinstance(value, dict):
            raise self.invalid(name, "must be an object")
        fields = Fields(value or {}, f"{self._where}{name}.")
        fields.check((), known)
        return fields

    def invalid(self, name: str, why: str) -> PlaidError:
        return PlaidError("INVALID_FIELD", f"{self._where}{name} {why}")
