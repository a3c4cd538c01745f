"""Everything a machine can say about the code without running its tests. Any failure fails."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from scripts.processes import ROOT, call, stop_on_signals


def main() -> int:
    stop_on_signals()
    # Scripts and styles were bundled before we were started; a bundle that fails never gets here.
    failed = [name for name, command in _checks().items() if not _passes(name, command)]
    print(f"\nFailed: {', '.join(failed)}" if failed else "\nAll checks passed.")
    return 1 if failed else 0


def _checks() -> dict[str, list[str]]:
    python = [sys.executable, "-m"]
    checks = {
        "format": [*python, "ruff", "format", "--check", "."],
        "lint": [*python, "ruff", "check", "."],
        "types": [*python, "pyright"],
    }
    folders = [str(folder.relative_to(ROOT)) for folder in _template_folders()]
    if folders:
        checks["templates"] = [*python, "djlint", "--lint", "--quiet", *folders]
    if (ROOT / "migrations" / "env.py").is_file():
        checks["migrations"] = [*python, "scripts.check_migrations"]
    return checks


def _template_folders() -> list[Path]:
    """The folders of templates, ours and the simulator's."""
    found = [ROOT / "templates", *sorted((ROOT / "simulator").rglob("templates"))]
    return [folder for folder in found if next(folder.rglob("*.html"), None)]


def _passes(name: str, command: list[str]) -> bool:
    print(f"--- {name}", flush=True)
    start = time.monotonic()
    good = call(command) == 0
    print(f"{'ok' if good else 'FAILED'} ({time.monotonic() - start:.1f} s)", flush=True)
    return good


if __name__ == "__main__":
    sys.exit(main())
