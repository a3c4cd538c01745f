"""The simulator's state: what link tokens, public tokens and access tokens stand for. Safe under many threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from simulator import feed, logins
from simulator.clock import Clock
from simulator.errors import PlaidError
from simulator.grants import days_of_history, optional_products
from simulator.history import History
from simulator.lives.build import life_of
from simulator.lives.model import Balances, Life
from simulator.records import Grant, Item, LinkSession, Login, later
from simulator.store import Store
from simulator.switches import Switches
from simulator.tokens import new_id, new_token, token_environment
from simulator.webhooks import Webhooks

__all__ = ["LinkSession", "State"]

LINK_TOKEN_LIFE, UPDATE_LINK_TOKEN_LIFE = timedelta(hours=4), timedelta(minutes=30)
PUBLIC_TOKEN_LIFE = timedelta(minutes=30)


class State:
    """Everything in memory, every change written to `directory` before a call returns.

    `ready_ms` is how long after the first /transactions/sync of an Item its transactions are ready.
    """

    def __init__(
        self, directory: Path, seed: str = "0", clock: Clock | None = None, ready_ms: int = 700
    ) -> None:
        self.seed = seed
        self.clock = clock or Clock()
        self.ready_ms = ready_ms
        self._lock = threading.RLock()
        self.store = store = Store(directory)
        self.switches = Switches(store, self.clock)
        self.webhooks = Webhooks(store, self.clock, self.switches)
        self._logins = {key: Login(**each) for key, each in store.load("logins").items()}
        self._links = {key: LinkSession(**each) for key, each in store.load("links").items()}
        self._grants = {key: Grant(**each) for key, each in store.load("grants").items()}
        self._items = {key: Item.read(each) for key, each in store.load("items").items()}
        self.history = History(self)

    # Link tokens

    def create_link_token(self, environment: str, **asked: object) -> LinkSession:
        """A link token; `asked` are the fields of LinkSession. Four hours, thirty minutes in update mode."""
        life = UPDATE_LINK_TOKEN_LIFE if asked["update_mode"] else LINK_TOKEN_LIFE
        session = LinkSession(
            link_token=new_token("link", environment),
            environment=environment,
            created_at=self.clock.now().isoformat(),
            expires_at=(self.clock.now() + life).isoformat(),
            **asked,  # type: ignore[arg-type]
        )
        with self._lock:
            self._links[session.link_token] = session
            self.store.save("links", session.link_token, asdict(session))
        return session

    def link_session(self, link_token: str) -> LinkSession | None:
        """The session of a link token; None when it is unknown or has expired."""
        session = self._links.get(link_token)
        return None if session is None or later(self.clock.now(), session.expires_at) else session

    def finish_link(self, session: LinkSession, result: dict[str, Any]) -> None:
        """Keeps what a person did in Link, for /link/token/get."""
        with self._lock:
            session.finished.append(result | {"finished_at": self.clock.now().isoformat()})
            self.store.save("links", session.link_token, asdict(session))

    # Public tokens

    def create_public_token(
        self,
        environment: str,
        institution_id: str,
        username: str,
        password: str,
        products: list[str],
        selected_account_ids: list[str] | None,
        link_token: str | None,
        *,
        start_date: str | None = None,
        end_date: str | None = None,
        webhook: str | None = None,
    ) -> str:
        """A single-use public token for the chosen accounts (None: all); valid for 30 minutes.

        The credentials must have been accepted by logins.check. ValueError when an account id was not shown by
        logins.accounts.
        """
        login = Login(institution_id, username, password)
        secret, keys = logins.claim(institution_id, username, password, selected_account_ids)
        session = self.link_session(link_token) if link_token else None
        grant = Grant(
            public_token=new_token("public", environment),
            environment=environment,
            login=login.digest,
            products=[*products, *optional_products(session, institution_id, products)],
            secret=secret,
            keys=None if keys is None else list(keys),
            expires_at=(self.clock.now() + PUBLIC_TOKEN_LIFE).isoformat(),
            days_requested=days_of_history(session),
            start_date=start_date,
            end_date=end_date,
            webhook=webhook or (session.webhook if session else None),
        )
        with self._lock:
            self._remember(login)
            self._grants[grant.public_token] = grant
            self.store.save("grants", grant.public_token, asdict(grant))
        return grant.public_token

    def _remember(self, login: Login) -> None:
        if login.digest not in self._logins:
            self._logins[login.digest] = login
            self.store.save("logins", login.digest, asdict(login))

    def renew(self, item: Item) -> str:
        """A public token that stands for an Item whose person has been in Link in update mode; it is healthy now, and
        its accounts stay as they are."""
        grant = Grant(
            public_token=new_token("public", item.environment),
            environment=item.environment,
            login=item.login,
            products=[],
            secret=item.secret,
            keys=item.keys,
            expires_at=(self.clock.now() + PUBLIC_TOKEN_LIFE).isoformat(),
            existing=item.access_token,
        )
        with self._lock:
            self._grants[grant.public_token] = grant
            self.store.save("grants", grant.public_token, asdict(grant))
            if item.removed_at is None:
                item.error_code = item.consent_ends_at = None
                self.switches.repair(item.item_id)
                self._save(item)
        return grant.public_token

    def exchange(self, environment: str, public_token: str) -> Item:
        """The Item behind a public token, which is spent. PlaidError when it is none, not of here, or too old."""
        named = token_environment(public_token, "public")
        if named is None:
            raise PlaidError(
                "INVALID_PUBLIC_TOKEN",
                "provided public token is in an invalid format. expected format: public-<environment>-<identifier>",
            )
        if named != environment:
            raise PlaidError("INVALID_PUBLIC_TOKEN", _wrong_environment("public", environment, named))
        with self._lock:
            grant = self._grants.pop(public_token, None)
            self.store.delete("grants", public_token)
            if grant is None:
                raise PlaidError("INVALID_PUBLIC_TOKEN")
            if later(self.clock.now(), grant.expires_at):
                raise PlaidError(
                    "INVALID_PUBLIC_TOKEN",
                    "provided public token is expired. Public tokens expire 30 minutes after creation at which point "
                    "they can no longer be exchanged",
                )
            return self._items[grant.existing] if grant.existing in self._items else self._new_item(grant)

    def _new_item(self, grant: Grant) -> Item:
        item = Item(
            item_id=new_id(),
            access_token=new_token("access", grant.environment),
            environment=grant.environment,
            login=grant.login,
            institution_id=self._logins[grant.login].institution_id,
            products=grant.products,
            secret=grant.secret,
            keys=grant.keys,
            created_at=self.clock.now().isoformat(),
            anchor=self.clock.today().isoformat(),
            days_requested=grant.days_requested,
            start_date=grant.start_date,
            end_date=grant.end_date,
            webhook=grant.webhook,
        )
        self._items[item.access_token] = item
        self._save(item)
        return item

    # Items

    def item(self, environment: str, access_token: str) -> Item:
        """The Item of an access token. PlaidError when it is none, of the other environment, or removed."""
        named = token_environment(access_token, "access")
        if named is None:
            raise PlaidError(
                "INVALID_ACCESS_TOKEN",
                "provided access token is in an invalid format. expected format: access-<environment>-<identifier>",
            )
        if named != environment:
            raise PlaidError("INVALID_ACCESS_TOKEN", _wrong_environment("access", environment, named))
        item = self._items.get(access_token)
        if item is None:
            raise PlaidError("INVALID_ACCESS_TOKEN")
        if item.removed_at is not None:
            raise PlaidError("ITEM_NOT_FOUND")
        return item

    def remove(self, item: Item) -> None:
        """Ends an Item. PlaidError when another request was faster."""
        with self._lock:
            if item.removed_at is not None:
                raise PlaidError("ITEM_NOT_FOUND")
            item.removed_at = self.clock.now().isoformat()
            self._save(item)

    def live_item(self, access_token: str) -> Item | None:
        item = self._items.get(access_token)
        return item if item and item.removed_at is None else None

    def live_items(self) -> list[Item]:
        with self._lock:
            return [item for item in self._items.values() if item.removed_at is None]

    def fire(self, item: Item, type_: str, code: str, **more: object) -> None:
        """Posts a webhook to the Item's address in the background, if it has one."""
        if item.webhook:
            at = self.webhooks.post(item.webhook, item, type_, code, more)
            with self.changing(item):
                item.last_webhook_at, item.last_webhook_code = at, code

    def owner(self, access_token: object, public_token: object) -> tuple[str | None, str | None]:
        """The institution and the Item that tokens are about, whatever state they are in; None when unknown."""
        item = self._items.get(access_token) if isinstance(access_token, str) else None
        if item is not None:
            return item.institution_id, item.item_id
        grant = self._grants.get(public_token) if isinstance(public_token, str) else None
        return (self._logins[grant.login].institution_id if grant else None), None

    def _save(self, item: Item) -> None:
        self.store.save("items", item.access_token, item.document())

    @contextmanager
    def changing(self, item: Item) -> Iterator[Item]:
        """The Item, to be changed by nobody else meanwhile; saved afterwards."""
        with self._lock:
            yield item
            self._save(item)

    # What is behind an Item

    def life(self, item: Item) -> Life:
        login = self._logins[item.login]
        keys = None if item.keys is None else tuple(item.keys)
        return life_of(login.institution_id, login.username, login.password, self.seed, keys)

    def login(self, item: Item) -> Login:
        return self._logins[item.login]

    def balances(self, item: Item) -> dict[str, Balances]:
        """By account key, as they are today."""
        return self.life(item).balances(self.clock.today(), date.fromisoformat(item.anchor))

    def log(self, item: Item) -> feed.Log:
        return feed.log_of(item, self._logins[item.login], self.seed)

    def advance(self, item: Item, days_requested: int | None = None) -> bool:
        """Brings an Item's event log up to now; whether this was its first call (see History)."""
        return self.history.advance(item, days_requested)


def _wrong_environment(kind: str, expected: str, named: str) -> str:
    return f'provided {kind} token is for the wrong Plaid environment. expected "{expected}", got "{named}"'
