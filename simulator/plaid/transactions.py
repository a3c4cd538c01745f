"""/transactions/sync and /transactions/refresh."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from simulator import watched
from simulator.errors import PlaidError
from simulator.feed import Log, Told, status
from simulator.lives.personas import PERSONAS
from simulator.plaid import shown
from simulator.plaid.call import Call, Endpoints, dumps
from simulator.plaid.fields import Fields
from simulator.plaid.render import account_id, account_json, transaction_id, transaction_json
from simulator.records import Item
from simulator.tokens import derived_id

_OPTIONS = (
    "account_id", "days_requested", "include_logo_and_counterparty_beta", "include_original_description",
    "include_personal_finance_category", "personal_finance_category_version",
)  # fmt: skip
DEFAULT_COUNT, MOST = 100, 500


def register(endpoints: Endpoints) -> None:
    endpoints.add(
        "/transactions/sync", sync, required=("access_token",), optional=("cursor", "count", "options")
    )
    endpoints.add("/transactions/refresh", refresh, required=("access_token",))


@dataclass(frozen=True)
class Cursor:
    """A place in an Item's log: `base` is acknowledged. While a delta is being paged through, `head` is where it
    ends and `offset` how much of it was told; otherwise `head` is None.
    """

    base: int = 0
    head: int | None = None
    offset: int = 0

    def write(self, item: Item, account_key: str | None) -> str:
        parts = [self.base, "" if self.head is None else self.head, self.offset, _stream(item, account_key)]
        return base64.b64encode(":".join(map(str, parts)).encode()).decode()

    @classmethod
    def read(cls, text: str, item: Item, account_key: str | None) -> Cursor:
        """PlaidError when it is not one that this Item gave, for this account filter."""
        try:
            base, head, offset, stream = base64.b64decode(text, validate=True).decode().split(":")
            cursor = cls(int(base), int(head) if head else None, int(offset))
        except ValueError:
            raise _foreign_cursor() from None
        if stream != _stream(item, account_key):
            raise _foreign_cursor()
        return cursor


def _stream(item: Item, account_key: str | None) -> str:
    return derived_id(item.secret, f"cursor/{account_key}")[:24]


def _foreign_cursor() -> PlaidError:
    return PlaidError("INVALID_FIELD", "cursor not associated with access_token")


def sync(call: Call) -> str:
    """A page of what changed since a cursor. Empty, NOT_READY and with an empty cursor until transactions are there."""
    item, fields = call.healthy_item(), call.fields
    options = fields.object("options", _OPTIONS)
    count = fields.whole("count", 1, MOST) or DEFAULT_COUNT
    account_key = _account_key(call, item, options.optional_text("account_id"))
    variant = _variant(options)
    if call.state.advance(item, options.whole("days_requested", 1, 730)) or not item.segments:
        return _answer([], [], [], [], "", False, "NOT_READY")
    log, told_status = call.state.log(item), status(item)
    cursor = _cursor(fields.optional_text("cursor"), item, account_key, len(log.events))
    head = len(log.events) if cursor.head is None else cursor.head
    changes = log.changes(cursor.base, head, account_key)
    if item.hidden:
        changes = [each for each in changes if log.life.account_of(each.row.story).key not in item.hidden]
    count = _cut_by_mutation(call, cursor, count, len(changes))
    page, end = changes[cursor.offset : cursor.offset + count], cursor.offset + count
    has_more = end < len(changes)
    following = Cursor(cursor.base, head, end) if has_more else Cursor(head)
    accounts = _accounts(call, item, log, account_key)
    rows = _Rows(item, log, variant)
    return _answer(accounts, *rows.sorted(page), following.write(item, account_key), has_more, told_status)


def _cut_by_mutation(call: Call, cursor: Cursor, count: int, changes: int) -> int:
    """A switch makes the data change between the first page and the second: the first is made short enough for
    there to be a second (when there are two changes or more), and the second is refused.
    """
    switches, on = call.state.switches, {"mutation"}
    if cursor.head is not None and switches.take(on, "/transactions/sync", call.target):
        raise PlaidError("TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION")
    if not switches.find(on, "/transactions/sync", call.target):
        return count
    return min(count, max(1, changes // 2))


def refresh(call: Call) -> dict[str, Any]:
    """Asks the bank for news. The believable logins always have some: a dinner, or the posting of the last one."""
    item = call.healthy_item()
    if "transactions" not in item.products:
        raise PlaidError("PRODUCTS_NOT_SUPPORTED", "transactions is not among the products of this Item")
    if item.first_sync_at is not None:  # the first sync is what begins an Item's history
        call.state.advance(item)
    if (
        call.state.login(item).username in PERSONAS
        and watched.go_on(call.state, item, watched.DINNER) is not None
    ):
        call.state.history.tell(item)
    return {}


def _cursor(text: str | None, item: Item, account_key: str | None, head: int) -> Cursor:
    if text == "now":
        return Cursor(head)
    cursor = Cursor.read(text, item, account_key) if text else Cursor()
    if max(cursor.base, cursor.head or 0) > head:
        raise _foreign_cursor()
    return cursor


def _account_key(call: Call, item: Item, wanted: str | None) -> str | None:
    if wanted is None:
        return None
    for account, _ in shown.accounts(call.state, item):
        if account_id(item, account.key) == wanted:
            return account.key
    raise PlaidError("INVALID_ACCOUNT_ID")


def _variant(options: Fields) -> tuple[bool, str]:
    """Whether original descriptions are wanted, and which version of the categories."""
    version = options.optional_text("personal_finance_category_version") or "v2"
    if version not in {"v1", "v2"}:
        raise options.invalid("personal_finance_category_version", "must be v1 or v2")
    return options.flag("include_original_description"), version


def _accounts(call: Call, item: Item, log: Log, account_key: str | None) -> list[str]:
    """The accounts that have transactions."""
    return [
        dumps(account_json(item, account, balances))
        for account, balances in shown.accounts(call.state, item)
        if account.key in log.account_keys and account_key in {None, account.key}
    ]


class _Rows:
    """Writes the changes of a page. A row is written out once for all Items that share the log, without its ids."""

    def __init__(self, item: Item, log: Log, variant: tuple[bool, str]) -> None:
        self._item, self._log, self._variant = item, log, variant
        self._account_ids = {account.key: account_id(item, account.key) for account in log.life.accounts}

    def sorted(self, page: list[Told]) -> tuple[list[str], list[str], list[str]]:
        """The added, modified and removed ones, as JSON objects."""
        lists: dict[str, list[str]] = {"added": [], "modified": [], "removed": []}
        for told in page:
            lists[told.change].append(self._write(told))
        return lists["added"], lists["modified"], lists["removed"]

    def _write(self, told: Told) -> str:
        story = told.row.story
        account = self._log.life.account_of(story)
        own_id = transaction_id(self._item, told.row.key)
        ids = f'{{"account_id":"{self._account_ids[account.key]}","transaction_id":"{own_id}"'
        if told.change == "removed":
            return ids + "}"
        replaces = "null"
        if told.row.phase != "pending" and story.pending and story.linked:
            replaces = f'"{transaction_id(self._item, f"{story.key}/pending")}"'
        return f'{ids},"pending_transaction_id":{replaces},{self._rest(told)}'

    def _rest(self, told: Told) -> str:
        key = (told.position, *self._variant)
        known = self._log.rendered.get(key)
        if known is None:
            account = self._log.life.account_of(told.row.story)
            known = self._log.rendered[key] = dumps(transaction_json(told.row, account, *self._variant))[1:]
        return known


def _answer(
    accounts: list[str],
    added: list[str],
    modified: list[str],
    removed: list[str],
    cursor: str,
    has_more: bool,
    told_status: str,
) -> str:
    """The answer, open at its end for the request id."""
    lists = {"accounts": accounts, "added": added, "modified": modified, "removed": removed}
    written = ",".join(f'"{name}":[{",".join(rows)}]' for name, rows in lists.items())
    more = "true" if has_more else "false"
    return (
        f'{{{written},"next_cursor":"{cursor}","has_more":{more},"transactions_update_status":"{told_status}"'
    )
