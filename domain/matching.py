"""Which account of a connection is which of another one to the same login: every id changes with a new link."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AccountFace:
    """What tells an account at the bank from others, whatever its ids."""

    id: int
    persistent_account_id: str | None
    name: str
    mask: str | None
    type: str
    subtype: str | None

    @property
    def look(self) -> tuple[str, str | None, str, str | None]:
        return (self.name, self.mask, self.type, self.subtype)


def match_accounts(old: Iterable[AccountFace], new: Iterable[AccountFace]) -> dict[int, int | None]:
    """For each old account the id of the one new account that it is, or None.

    The bank's own persistent id decides where both have one; else name, mask and kind together, if exactly one
    account on each side that is not decided yet looks like that. What is ambiguous is left alone.
    """
    olds, news = list(old), list(new)
    matched = _unique_pairs(olds, news, "persistent_account_id")
    taken = set(matched.values())
    # An account whose persistent id the bank reports on both sides, but differently, is another account.
    rest_old = [face for face in olds if face.id not in matched]
    rest_new = [face for face in news if face.id not in taken]
    looks = _unique_pairs(rest_old, rest_new, "look")
    both = {face.id: face.persistent_account_id for face in (*olds, *news)}
    matched |= {one: other for one, other in looks.items() if not (both[one] and both[other])}
    return {face.id: matched.get(face.id) for face in olds}


def _unique_pairs(olds: list[AccountFace], news: list[AccountFace], key: str) -> dict[int, int]:
    """Pairs with the same value, where it occurs once on each side."""
    counted = [Counter(getattr(face, key) for face in faces) for faces in (olds, news)]
    by_value = {getattr(face, key): face.id for face in news}
    return {
        face.id: by_value[value]
        for face in olds
        if (value := getattr(face, key)) is not None and all(count[value] == 1 for count in counted)
    }
