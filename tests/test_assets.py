"""Scripts and styles, built from a clean checkout with the two commands that Heroku runs."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.checkout import ROOT, copy_checkout

pytestmark = pytest.mark.slow

SCRIPT_BUDGET = 160_000
STYLE_BUDGET = 40_000
"""Gzipped bytes of the dashboard's first load."""


def npm(checkout: Path, *arguments: str) -> None:
    program = shutil.which("npm")
    assert program, "npm is missing: ./run test brings it"
    answer = subprocess.run([program, *arguments], cwd=checkout, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean checkout, on a path with a space, after `npm ci` and `npm run build`."""
    checkout = copy_checkout(tmp_path_factory.mktemp("clean checkout"))
    npm(checkout, "ci", "--ignore-scripts")
    npm(checkout, "run", "build")
    return checkout


@pytest.fixture
def built(checkout: Path) -> Path:
    return checkout / "static" / "built"


def manifest_of(built: Path) -> dict[str, str]:
    return json.loads((built / "manifest.json").read_text())


def with_chunks(built: Path, name: str) -> set[str]:
    """The file and all it imports, directly or not, as a browser would load them."""
    found, waiting = set(), [name]
    while waiting:
        current = waiting.pop()
        if current not in found:
            found.add(current)
            waiting += re.findall(r'(?:from|import)\s*"\./([\w.-]+\.js)"', (built / current).read_text())
    return found


def dashboard_assets() -> Iterator[str]:
    """The names that the dashboard's templates ask for."""
    for template in [
        *(ROOT / "templates" / "layouts").glob("*.html"),
        ROOT / "templates/dashboard/index.html",
    ]:
        yield from re.findall(r"asset\(['\"]([^'\"]+)['\"]\)", template.read_text())


def test_every_entry_is_in_the_manifest_under_a_name_with_a_hash(built: Path):
    entries = {
        path.name
        for path in (ROOT / "static" / "src" / "entries").iterdir()
        if path.suffix in (".js", ".css")
    }
    manifest = manifest_of(built)
    assert set(manifest) == entries
    for name, file in manifest.items():
        stem, suffix = name.rsplit(".", 1)
        assert re.fullmatch(rf"{re.escape(stem)}-[A-Z0-9]{{8}}\.{suffix}", file)
        assert (built / file).stat().st_size > 0


def test_every_name_a_template_asks_for_is_built(built: Path):
    asked = {
        name
        for template in (ROOT / "templates").rglob("*.html")
        for name in re.findall(r"asset\(['\"]([^'\"]+)['\"]\)", template.read_text())
    }
    assert asked
    assert asked <= set(manifest_of(built))


def test_each_script_and_style_has_a_compressed_copy_of_itself(built: Path):
    files = [*built.glob("*.js"), *built.glob("*.css")]
    assert files
    for file in files:
        assert gzip.decompress(Path(f"{file}.gz").read_bytes()) == file.read_bytes(), file.name


def test_the_first_load_of_the_dashboard_is_within_its_budget(built: Path):
    manifest = manifest_of(built)
    asked = {manifest[name] for name in dashboard_assets()}
    scripts = set().union(*(with_chunks(built, file) for file in asked if file.endswith(".js")))
    styles = {file for file in asked if file.endswith(".css")}
    assert scripts
    assert styles
    assert sum((built / f"{file}.gz").stat().st_size for file in scripts) <= SCRIPT_BUDGET
    assert sum((built / f"{file}.gz").stat().st_size for file in styles) <= STYLE_BUDGET


def test_nothing_is_loaded_from_elsewhere(built: Path):
    for style in built.glob("*.css"):
        for address in re.findall(r"url\(\s*[\"']?([^\"')]+)", style.read_text()):
            assert address.startswith(("data:", "#", "./")), (style.name, address[:80])
            assert not address.startswith("./") or (built / address).is_file(), (style.name, address)
    for script in built.glob("*.js"):
        assert not re.search(r'import\s*\(?\s*"(https?:)?//', script.read_text()), script.name


def test_building_again_gives_the_same_names_and_leaves_no_draft(checkout: Path, built: Path):
    before = manifest_of(built)
    (built / ".stamp").write_text("of ./run")
    npm(checkout, "run", "build")
    assert manifest_of(built) == before
    assert not (built / ".stamp").exists()  # ./run will look again instead of trusting it
    assert list(built.glob("*.tmp")) == []


def test_without_an_entry_the_build_says_so(tmp_path: Path, checkout: Path):
    (tmp_path / "scripts").mkdir()
    shutil.copy(checkout / "scripts" / "build_assets.mjs", tmp_path / "scripts")
    (tmp_path / "node_modules").symlink_to(checkout / "node_modules")
    command = ["node", "scripts/build_assets.mjs"]
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert answer.returncode == 1
    assert "static/src/entries" in answer.stderr


def test_the_lock_file_pins_checksums_and_names_no_registry():
    lock = json.loads((ROOT / "package-lock.json").read_text())
    packages = [package for path, package in lock["packages"].items() if path]
    assert packages
    assert all(package["integrity"].startswith("sha512-") for package in packages)
    assert not any("resolved" in package for package in packages)
    wanted = json.loads((ROOT / "package.json").read_text())["dependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
