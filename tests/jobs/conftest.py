"""The scheduled jobs on the test's database, with a scripted bank vendor."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask

import scheduled_jobs
from tests.support import scripted_plaid as plaid
from tests.support.banks import banks_at
from tests.support.scripted_plaid import ScriptedPlaid


@pytest.fixture
def bank() -> Iterator[ScriptedPlaid]:
    """A vendor where everything works: one account, no transactions."""
    with ScriptedPlaid() as server:
        server.always("/accounts/get", plaid.accounts(plaid.account("a1")))
        yield server


@dataclass(frozen=True)
class Ran:
    """How a run ended: exit code, the report of its last line (None without one), and what it said."""

    code: int
    report: dict[str, Any] | None
    output: str
    errors: str


Job = Callable[..., Ran]


@pytest.fixture
def job(
    context: Flask, bank: ScriptedPlaid, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Job:
    """Run scheduled_jobs.py's main with these arguments."""
    monkeypatch.setattr(scheduled_jobs, "create_app", lambda **_: context)
    monkeypatch.setitem(context.extensions, "banks", banks_at(bank.url))

    def run(*arguments: str) -> Ran:
        capsys.readouterr()
        code = scheduled_jobs.main(list(arguments))
        said = capsys.readouterr()
        lines = said.out.strip().splitlines()
        return Ran(code, json.loads(lines[-1]) if lines else None, said.out, said.err)

    return run
