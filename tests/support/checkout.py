"""A clean copy of this checkout: what is under version control or would be, and nothing that is ignored."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def copy_checkout(target: Path) -> Path:
    """Copy the files that belong to CashView (so no .env, no instance folder, nothing built) into `target`."""
    for name in _names():
        source, copy = ROOT / name, target / name
        if source.is_file():  # one that was deleted but not yet committed is still listed
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copy)
    return target


def _names() -> list[str]:
    """What git knows or would add; without git (an unpacked archive) all that .gitignore does not name."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    if (ROOT / ".git").exists():
        answer = subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        return [name for name in answer.stdout.decode().split("\0") if name]
    # .gitignore here names folders (with a slash at the end), files, and endings (with a star in front).
    ignored = [line.strip("/*") for line in (ROOT / ".gitignore").read_text().splitlines() if line]
    names = (str(path.relative_to(ROOT)) for path in ROOT.rglob("*"))
    return [name for name in names if not _is_ignored(name, ignored)]


def _is_ignored(name: str, ignored: list[str]) -> bool:
    return any(f"/{part}/" in f"/{name}/" or (part[0] == "." and name.endswith(part)) for part in ignored)
