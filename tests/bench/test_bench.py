"""./run bench, the short way: every part runs, and what it writes is complete. How fast anything is, is not tested."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.__main__ import NAMES
from bench.load import percentile
from bench.report import Budget, Figure, Report

ROOT = Path(__file__).resolve().parents[2]


def run_bench(out: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench", "--quick", "--out", str(out), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180, check=False)


@pytest.mark.slow
def test_a_quick_run_measures_every_part_but_the_start_of_everything(tmp_path):
    out = tmp_path / "bench.json"
    parts = [name for name in NAMES if name != "start"]  # tests/test_run.py starts ./run
    done = run_bench(out, *[word for name in parts for word in ("--only", name)])
    assert done.returncode == 0, done.stderr
    report = json.loads(out.read_text())
    assert report["quick"] is True
    names = {figure["name"] for figure in report["figures"]}
    assert {
        "10x10 requests/s, of the control's",
        "10x10 SQL statements",
        "/dashboard.json p50",
        "gateway: JSON to records",
        "20: wall over ideal",
        "20: statements each",
        "20: peak memory",
        "key known, p99",
        "key service hangs, p99",
    } <= names
    assert "10x10 requests/s, of the control's" in done.stdout
    counts = {figure["name"]: figure["met"] for figure in report["figures"]}
    assert counts["10x10 SQL statements"] is True
    assert counts["20: statements each"] is True
    assert counts["20: commits each"] is True


def test_a_budget_is_met_at_its_limit_and_says_how_much_is_left():
    assert Budget(8).met_by(8)
    assert not Budget(8).met_by(8.5)
    assert Budget(1 / 3, at_most=False).met_by(0.34)
    assert not Budget(1 / 3, at_most=False).met_by(0.33)
    assert Budget(8).margin(6) == 0.25
    assert Budget(0.5, at_most=False).margin(0.4) == pytest.approx(-0.2)


def test_the_table_says_what_is_not_met_and_by_how_much():
    broken = Figure("Job", "wall over ideal", 3.0, "x", Budget(2))
    rows = [
        broken,
        Figure("Job", "commits each", 2.0, "", Budget(2)),
        Figure("Job", "Celery", None, note="later"),
    ]
    report = Report(rows, quick=False)
    assert report.broken == [broken]
    lines = report.table().splitlines()
    assert any("wall over ideal" in line and "NOT MET, by 50%" in line for line in lines)
    assert any("commits each" in line and "met, 0% to spare" in line for line in lines)
    assert any(line.rstrip().endswith("later") for line in lines)


def test_percentiles_of_few_answers_stay_within_them():
    assert percentile([1.0], 0.99) == 1.0
    assert percentile([1.0, 2.0, 3.0, 4.0], 0.5) == 3.0
