"""Who may import whom, who commits, who knows a vendor: the rules of DESIGN.md 3, kept by reading the code.

Every message says which rule was broken and what to do instead.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LEFT_OUT = {"node_modules", "instance", "static", "templates", "docs"}


@dataclass(frozen=True)
class Room:
    """A package or module of ours: what it may import of ours besides itself, and what to do instead."""

    may: tuple[str, ...]
    instead: str


ROOMS = {
    "views": Room(
        ("services", "forms", "models", "domain", "extensions"),
        "A view asks a service; put the work (or the type the view needs) into services/.",
    ),
    "services": Room(
        ("models", "domain", "providers.base", "background", "extensions", "database", "vault"),
        "A service takes what it needs as an argument: gateways arrive as providers.base types.",
    ),
    "forms": Room(
        ("domain", "extensions"), "A form checks shape with domain/; what needs a row is a service."
    ),
    "models": Room(
        ("domain", "extensions", "database", "vault"),
        "A table answers about one row; rules go to domain/, verbs to services/.",
    ),
    "database": Room(("domain.money", "vault"), "Column types know money and the vault only."),
    "vault": Room((), "The vault gets its keys from the composition root and imports nothing of ours."),
    "domain": Room((), "Domain is pure: pass the value in as an argument."),
    "providers": Room(("domain",), "A gateway returns records and leaves the rest to services/."),
    "background": Room((), "Background calls handlers by name; the composition root registers them."),
    "CronJobs": Room(("services", "domain"), "A job is a shallow run(...) over services."),
    "config": Room((), "Settings read a mapping and nothing else."),
    "extensions": Room((), "Extensions are bare objects; create_app binds them."),
    "migrations": Room(
        ("extensions", "database", "vault"), "A migration must work for ever: spell tables out in it."
    ),
    "simulator": Room((), "The simulator is another program: it speaks HTTP with us and shares no code."),
    "scripts": Room(("app", "config"), "A script starts programs; it holds no rule of the product."),
}
ROOTS = {"app", "handlers", "scheduled_jobs", "gunicorn.conf", "celery_app", "bench"}
"""Composition roots see every room (but never the simulator)."""

ONLY_IN = {
    "plaid": (
        "providers",
        "Only providers/ know a vendor: add a method to BankGateway and use that.",
    ),
    "twilio": ("providers", "Only providers/ know a vendor: use a protocol of providers.base."),
    "urllib3": ("providers", "Only providers/ call the outside world."),
    "requests": ("providers", "Only providers/ call the outside world."),
    "phonenumbers": ("domain", "Phone numbers are understood in domain.phones alone."),
}
NO_FRAMEWORK = {
    "domain": ("flask", "sqlalchemy", "wtforms", "werkzeug"),
    "providers": ("flask", "sqlalchemy", "werkzeug"),
    "models": ("flask", "werkzeug", "wtforms"),
    "CronJobs": ("flask", "sqlalchemy", "flask_sqlalchemy"),
    "background": ("flask", "sqlalchemy"),
}
MAY_COMMIT = ("services", "migrations", "simulator", "tests")
CLOCKS = {
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("date", "today"),
    ("datetime", "today"),
    ("time", "time"),
}


def room_of(path: str) -> str:
    """'services' for 'services/linking.py', 'models' for 'models.py'."""
    head, _, tail = path.partition("/")
    return head if tail else head.removesuffix(".py")


def our_files() -> Iterator[str]:
    for found in ROOT.rglob("*.py"):
        parts = found.relative_to(ROOT).parts
        if parts[0] not in LEFT_OUT and not any(part.startswith(".") for part in parts):
            yield "/".join(parts)


def violations(path: str, source: str) -> list[str]:
    """Every rule that this source would break at this path, as sentences."""
    room, tree = room_of(path), ast.parse(source)
    broken = [
        problem for line, name in _imports(tree, path) for problem in _import_problems(room, path, line, name)
    ]
    return broken + [f"{path}:{line}: {words}" for line, words in _manner_problems(room, tree)]


def _imports(tree: ast.AST, path: str) -> Iterator[tuple[int, str]]:
    """Line and full dotted name of everything imported, also inside functions and through importlib."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = path.rsplit("/", node.level)[0].replace("/", ".") if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and _name(node.func) in ("import_module", "__import__"):
            yield from (
                (node.lineno, str(arg.value)) for arg in node.args[:1] if isinstance(arg, ast.Constant)
            )


def _import_problems(room: str, path: str, line: int, name: str) -> Iterator[str]:
    target = name.split(".", maxsplit=1)[0]
    if target == "simulator" and room not in ("simulator", "tests"):
        yield f"{path}:{line}: imports {name}: nothing of ours imports the simulator. Talk to it over HTTP."
    elif room not in ROOTS and room != "tests" and (target in ROOMS or target in ROOTS or target == "tests"):
        rule = ROOMS[room]
        if target != room and not any(name == may or name.startswith(f"{may}.") for may in rule.may):
            allowed = ", ".join(rule.may) or "nothing of ours"
            yield f"{path}:{line}: {room} imports {name}; it may import {allowed}. {rule.instead}"
    if target in ONLY_IN and room not in (ONLY_IN[target][0], "tests"):
        yield f"{path}:{line}: imports {name}. {ONLY_IN[target][1]}"
    if target in NO_FRAMEWORK.get(room, ()):
        yield f"{path}:{line}: {room} imports {name}, knows neither HTTP nor SQL. Pass plain values."
    is_sql = target in ("sqlalchemy", "flask_sqlalchemy") and not name.startswith("sqlalchemy.exc")
    if room == "views" and is_sql:
        yield f"{path}:{line}: a view imports {name}. No SQL in views: a query is a service."


def _manner_problems(room: str, tree: ast.AST) -> Iterator[tuple[int, str]]:
    """What is done rather than imported: commits, SQL through the session, clocks and files in domain."""
    for node in ast.walk(tree):
        if _is_commit(node) and room not in MAY_COMMIT:
            yield node.lineno, f"{room} commits. Only services commit: make it a verb there."
        if room == "views" and isinstance(node, ast.Attribute):
            if _name(node.value) == "session" and _name(getattr(node.value, "value", None)) == "db":
                if node.attr != "rollback":
                    yield node.lineno, f"a view uses db.session.{node.attr}. No SQL in views: ask a service."
            elif node.attr == "query" and _name(node.value)[:1].isupper():
                yield node.lineno, "a view queries a table. No SQL in views: ask a service."
        if room == "domain" and isinstance(node, ast.Call):
            owner = _name(node.func.value) if isinstance(node.func, ast.Attribute) else ""
            if (owner, _name(node.func)) in CLOCKS:
                yield node.lineno, "domain reads a clock. Today is an argument."
            if isinstance(node.func, ast.Name) and node.func.id in ("open", "print", "input"):
                yield node.lineno, "domain does I/O. Pass the text in and give the text back."


def _is_commit(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "commit"


def _name(node: ast.AST | None) -> str:
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""


def test_every_file_keeps_the_house_rules():
    broken = [
        words for path in our_files() for words in violations(path, (ROOT / path).read_text(encoding="utf-8"))
    ]
    assert not broken, "\n" + "\n".join(broken)


def test_every_python_file_is_in_a_known_room():
    known = ROOMS.keys() | ROOTS | {"tests"}
    strangers = sorted({path for path in our_files() if room_of(path) not in known})
    assert not strangers, f"{strangers}: give the new room a row in ROOMS, with what it may import"


PLANTED = [
    ("views/x.py", "from providers.base import Banks", "A view asks a service"),
    ("views/x.py", "import providers.plaid", "A view asks a service"),
    ("views/x.py", "from sqlalchemy import select", "No SQL in views"),
    ("views/x.py", "from database import utcnow", "A view asks a service"),
    ("views/x.py", "def f():\n    db.session.scalar(1)", "No SQL in views"),
    ("views/x.py", "User.query.all()", "No SQL in views"),
    ("views/x.py", "db.session.commit()", "Only services commit"),
    ("models.py", "session.commit()", "Only services commit"),
    ("models.py", "from flask import request", "knows neither HTTP nor SQL"),
    ("models.py", "from services.users import sign_up", "verbs to services/"),
    ("domain/x.py", "from models import User", "Domain is pure"),
    ("domain/x.py", "import flask", "knows neither HTTP nor SQL"),
    ("domain/x.py", "now = datetime.now(UTC)", "Today is an argument"),
    ("domain/x.py", "now = datetime.datetime.now()", "Today is an argument"),
    ("domain/x.py", "today = date.today()", "Today is an argument"),
    ("domain/x.py", "open('rates.csv')", "domain does I/O"),
    ("services/x.py", "from providers.plaid import PlaidGateway", "providers.base types"),
    ("services/x.py", "from providers import plaid", "providers.base types"),
    ("services/x.py", "def f():\n    import plaid", "Only providers/ know a vendor"),
    ("services/x.py", "from views.http import person", "A service takes what it needs"),
    ("services/x.py", "from app import create_app", "A service takes what it needs"),
    ("services/x.py", "import simulator.state", "Talk to it over HTTP"),
    ("app.py", "from simulator.app import create_app", "Talk to it over HTTP"),
    ("scripts/x.py", "import simulator", "Talk to it over HTTP"),
    ("simulator/x.py", "from domain.money import plain", "shares no code"),
    ("simulator/link/x.py", "import config", "shares no code"),
    ("providers/x.py", "from services import linking", "leaves the rest to services/"),
    ("providers/x.py", "from models import User", "leaves the rest to services/"),
    ("providers/x.py", "connection.commit()", "Only services commit"),
    ("background/x.py", "from services.refreshing import refresh", "handlers by name"),
    ("CronJobs/x.py", "from models import User", "shallow run"),
    ("CronJobs/x.py", "from sqlalchemy import select", "knows neither HTTP nor SQL"),
    ("config.py", "from extensions import db", "read a mapping"),
    ("extensions.py", "from config import Settings", "bare objects"),
    ("vault.py", "from config import Settings", "imports nothing of ours"),
    ("database.py", "from domain.balances import totals", "money and the vault only"),
    ("forms.py", "from models import User", "shape with domain/"),
    ("app.py", "import twilio.rest", "Only providers/ know a vendor"),
    ("simulator/x.py", "import plaid", "Only providers/ know a vendor"),
    ("views/x.py", "def f():\n    importlib.import_module('plaid')", "Only providers/ know a vendor"),
    ("views/x.py", "from tests.support.factories import make_user", "A view asks a service"),
]


@pytest.mark.parametrize(
    "path, source, advice", PLANTED, ids=[f"{path}: {source}" for path, source, _ in PLANTED]
)
def test_a_planted_violation_is_found_and_the_message_says_what_to_do(path, source, advice):
    assert [words for words in violations(path, source) if advice in words and path in words]


ALLOWED = [
    (
        "views/x.py",
        "from services import users\nfrom sqlalchemy.exc import DBAPIError\ndb.session.rollback()",
    ),
    ("services/x.py", "from providers.base import Kind\nfrom vault import digest\ndb.session.commit()"),
    ("providers/plaid.py", "import plaid\nfrom providers import plaid_records as records"),
    ("scheduled_jobs.py", "from CronJobs import clean_up\nfrom app import create_app"),
    ("domain/x.py", "from domain.errors import AppError\nmoment.now()"),
    ("simulator/x.py", "from simulator.state import State\nimport plaid_like"),
    ("views/x.py", "urlsplit(url).query"),
]


@pytest.mark.parametrize("path, source", ALLOWED)
def test_what_is_allowed_is_not_reported(path, source):
    assert violations(path, source) == []


@pytest.mark.parametrize("module", ["plaid", "twilio", "phonenumbers", "celery", "simulator"])
def test_importing_app_loads_no_costly_client(module):
    """plaid-python costs half a second and 40 MB, phonenumbers 7 MB: they load on first use, after fork."""
    code = f"import sys, app; sys.exit({module!r} in sys.modules)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"app loads {module}: import it in the function that uses it\n{done.stderr}"


LONG = {
    "config.py": "every setting with its checks, so that all problems are reported at once",
    "models.py": "all tables in one place; past 700 lines it must be asked again",
}
"""Files over 300 lines, each with the reason why it is not two. Tests are tables and are not counted."""
MAX_LINES = 300


def test_a_long_file_has_a_reason():
    counts = {path: len((ROOT / path).read_text(encoding="utf-8").splitlines()) for path in our_files()}
    counts = {path: count for path, count in counts.items() if room_of(path) not in ("tests", "migrations")}
    long = {path: count for path, count in counts.items() if count > MAX_LINES}
    assert not long.keys() - LONG.keys(), f"{long}: split it, or give it a row with a reason in LONG"
    assert not LONG.keys() - long.keys(), "LONG names files that are short by now: take the row out"
    assert counts["models.py"] <= 700
