"""What the simulator remembers: link tokens, public tokens, Items."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class LinkSession:
    """A live link token and what it was created with. `access_token` and `institution_id` only in update mode."""

    link_token: str
    environment: str
    client_name: str
    products: list[str]
    country_codes: list[str]
    language: str
    update_mode: bool
    access_token: str | None
    redirect_uri: str | None
    institution_id: str | None


class State:
    """Safe under many threads; written to `directory`."""

    def __init__(self, directory: Path, seed: str = "0") -> None:
        self.directory = directory
        self.seed = seed

    def link_session(self, link_token: str) -> LinkSession | None:
        """The session of a link token; None when it is unknown or has expired."""
        del link_token
        return None

    def create_public_token(
        self,
        environment: str,
        institution_id: str,
        username: str,
        password: str,
        products: list[str],
        selected_account_ids: list[str] | None,
        link_token: str | None,
    ) -> str:
        """A single-use public token for the chosen accounts (None: all); valid for 30 minutes."""
        del institution_id, username, password, products, selected_account_ids, link_token
        return f"public-{environment}-{uuid.uuid4()}"
