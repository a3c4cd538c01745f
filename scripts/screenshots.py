"""Takes the README's pictures of a running CashView: `python -m scripts.screenshots [http://127.0.0.1:5000]`.

It enters the demo and shows its dashboard on a desktop, on a phone and in the dark, and the welcome page.
Needs the test tools and a Chromium (see README).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from playwright.sync_api import Browser, Page, sync_playwright

from scripts.browser import find_chromium
from scripts.processes import ROOT

FOLDER = ROOT / "docs" / "screenshots"


@dataclass(frozen=True)
class Shot:
    """One picture: its name, the window in CSS pixels, the colours, and whether the demo is entered first."""

    name: str
    width: int
    height: int
    scheme: str = "light"
    demo: bool = True


SHOTS = (
    Shot("welcome", 1200, 900, demo=False),
    Shot("dashboard-desktop", 1200, 1000),
    Shot("dashboard-dark", 1200, 1000, "dark"),
    Shot("dashboard-phone", 390, 844),
)


def main() -> None:
    url = sys.argv[1].rstrip("/") if len(sys.argv) > 1 else "http://127.0.0.1:5000"
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        for shot in SHOTS:
            take(browser, url, shot)
        browser.close()


def take(browser: Browser, url: str, shot: Shot) -> None:
    context = browser.new_context(
        viewport={"width": shot.width, "height": shot.height},
        color_scheme=shot.scheme,  # pyright: ignore[reportArgumentType]
        device_scale_factor=2 if shot.width < 500 else 1,
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto(url)
    if shot.demo:
        enter_demo(page, url)
    page.screenshot(path=FOLDER / f"{shot.name}.png")
    print(f"{shot.name}.png")
    context.close()


def enter_demo(page: Page, url: str) -> None:
    page.goto(f"{url}/login")
    page.get_by_role("button", name="Demo User").click()
    page.wait_for_function(
        "document.querySelectorAll('article[data-working=false]').length === 4", timeout=20_000
    )


if __name__ == "__main__":
    main()
