"""Whose life a login opens."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from simulator.lives import custom, documented, personas, special
from simulator.lives.model import Life

_SPECIAL: dict[str, Callable[[str], Life]] = {
    "ins_sim_family": special.family,
    "ins_sim_cards": special.card_issuer,
    "ins_sim_loans": special.loans,
    "ins_sim_brokerage": special.brokerage,
    "ins_sim_forty": special.forty,
    "ins_sim_canada": special.canada,
    "ins_sim_coins": special.coins,
    "ins_sim_unknowns": special.unknowns,
}


@lru_cache(maxsize=64)
def life_of(
    institution_id: str, username: str, password: str, seed: str, keys: tuple[str, ...] | None = None
) -> Life:
    """The life behind accepted credentials; with `keys`, what can be seen of it through those accounts."""
    whole = _whole(institution_id, username, password, seed)
    return whole if keys is None else whole.only(keys)


def _whole(institution_id: str, username: str, password: str, seed: str) -> Life:
    if username == "user_custom":
        return custom.life(custom.parse(password), institution_id, seed)
    if username in personas.PERSONAS:
        return personas.persona(username, institution_id, seed)
    if institution_id in _SPECIAL:
        return _SPECIAL[institution_id](seed)
    return documented.life()
