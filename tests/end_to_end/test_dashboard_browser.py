"""The dashboard in a real browser: Chromium of the system, against a server of its own, on a seeded archive.

Screenshots of the pages go to the folder that EVENKEEL_SCREENSHOTS names; `scripts/screenshots.sh` makes those of docs.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlparse

import pytest
from playwright.sync_api import Browser, ConsoleMessage, FloatRect, Page, ViewportSize, expect, sync_playwright

from archive.store import Archive
from tests.archive.samples import RUN_ID
from tests.dashboard.seeded import HOSTILE_PROGRAM, program, seed_archive
from tests.end_to_end.commands import started
from tests.postgres import free_port

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed; `.ci/run` installs it")

WIDE: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
PATHS = {
    "leaderboard": "/",
    "run": f"/run?run={RUN_ID}",
    "candidate": f"/candidate?id={program(28).id[:12]}",
    "map": f"/map?run={RUN_ID}",
    "compare": f"/compare?id={program(28).id[:12]}&id={program(18).id[:12]}",
    "trust": "/trust",
}
SCREENSHOTS = os.environ.get("EVENKEEL_SCREENSHOTS")


@dataclass(frozen=True, slots=True)
class Server:
    """A dashboard that serves."""

    url: str
    folder: Path  # with the archive, ``a.db``


@dataclass  # no slots: Playwright hangs marks on it
class Watcher:
    """What a page complained of, and whom it asked."""

    complaints: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def watch(self, page: Page) -> None:
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.hosts.add(urlparse(request.url).hostname or ""))

    def _note(self, message: ConsoleMessage) -> None:
        # Streamlit asks below the page's path before it asks at the root; the browser reports the misses
        is_probe = "/_stcore/" in str(message.location.get("url", ""))
        if message.type == "error" and not is_probe:
            self.complaints.append(message.text)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("served")
    url = f"sqlite:///{folder}/a.db"
    with Archive.open(url) as archive:
        seed_archive(archive)
    port = free_port()
    words = ("--no-browser", "--address", "127.0.0.1", "--port", str(port), "--archive", "sqlite:///a.db")
    process = started(folder, "dashboard", *words)
    assert process.stdout is not None
    assert any("URL:" in line for line in process.stdout), "the server ended"
    yield Server(f"http://127.0.0.1:{port}", folder)
    process.terminate()
    process.communicate(timeout=30)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


@pytest.fixture
def watcher() -> Iterator[Watcher]:
    watcher = Watcher()
    yield watcher
    assert watcher.complaints == []
    assert watcher.hosts <= {"127.0.0.1", ""}, "a page asked another server"


@pytest.fixture
def page(browser: Browser, watcher: Watcher) -> Iterator[Page]:
    context = browser.new_context(viewport=WIDE, reduced_motion="reduce")
    page = context.new_page()
    watcher.watch(page)
    yield page
    context.close()


def settle(page: Page) -> None:
    """Waits until the script has run and its figures and tables are drawn."""
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')
    page.wait_for_selector('[data-testid="stCaptionContainer"] >> text=opened for reading only', state="attached")
    page.wait_for_function(
        "() => [...document.querySelectorAll('[data-testid=stVegaLiteChart]')]"
        ".every(chart => chart.offsetParent === null || chart.querySelector('canvas, svg'))"
    )
    expect(page.locator('[data-testid="stException"]')).to_have_count(0)


def picture(page: Page, name: str, max_height: int = 1500) -> None:
    """A screenshot of the whole page, as far as `max_height`."""
    if SCREENSHOTS is None:
        return
    width = (page.viewport_size or WIDE)["width"]
    page.set_viewport_size({"width": width, "height": max_height})
    settle(page)
    end = page.evaluate(
        "() => document.querySelector('[data-testid=stMainBlockContainer]').getBoundingClientRect().bottom"
    )
    Path(SCREENSHOTS).mkdir(parents=True, exist_ok=True)
    shown: FloatRect = {"x": 0, "y": 0, "width": width, "height": min(max_height, int(end))}
    page.screenshot(path=Path(SCREENSHOTS) / f"{name}.png", animations="disabled", clip=shown)


@pytest.mark.parametrize("name", PATHS)
def test_a_page_loads_wide_and_narrow(name: str, server: Server, page: Page) -> None:
    page.goto(server.url + PATHS[name])
    settle(page)
    expect(page.locator("h1")).to_have_text(name.capitalize())
    picture(page, name)
    page.set_viewport_size(PHONE)
    settle(page)
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth"), "it scrolls sideways"


def test_a_row_opens_its_candidate_and_the_link_can_be_shared(server: Server, page: Page) -> None:
    page.goto(server.url)
    settle(page)
    table = page.get_by_test_id("stDataFrame").first
    table.click(position={"x": 160, "y": 52})  # the name in the first row
    page.wait_for_url("**/candidate?id=*")
    settle(page)
    shown = page.locator("code").first.inner_text()
    page.reload()
    settle(page)
    assert page.locator("code").first.inner_text() == shown
    assert len(shown) == 64


def test_hostile_text_does_nothing(server: Server, page: Page) -> None:
    page.goto(f"{server.url}/candidate?id={HOSTILE_PROGRAM.id[:12]}")
    settle(page)
    for tab in page.get_by_role("tab").all():
        tab.click()
        settle(page)
    assert page.title() != "taken"
    assert page.locator("[onerror]").count() == 0
    assert page.locator('a[href^="javascript"]').count() == 0
    assert "<script>" in page.locator("code").all_inner_texts()[-1] + page.content()


def test_dark_and_keyboard(server: Server, browser: Browser, watcher: Watcher) -> None:
    context = browser.new_context(viewport=WIDE, color_scheme="dark", reduced_motion="reduce")
    page = context.new_page()
    watcher.watch(page)
    page.goto(server.url + PATHS["run"])
    settle(page)
    colour = page.evaluate("() => getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor")
    red, green, blue = (int(part) for part in colour.removeprefix("rgb(").rstrip(")").split(",")[:3])
    assert max(red, green, blue) < 64, colour
    picture(page, "run_dark")
    page.get_by_role("link", name="Trust").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/trust")
    expect(page.locator("h1")).to_have_text("Trust")
    context.close()


def test_the_run_page_moves_while_a_run_writes(server: Server, page: Page) -> None:
    words = ("run", "toy", "--seconds", "120", "--attempts", "100000", "--workers", "1", "--archive")
    run = started(server.folder, *words, f"sqlite:///{server.folder}/a.db")
    try:
        assert run.stderr is not None
        for line in run.stderr:
            if "search" in line.partition(":")[2]:
                break
        page.goto(server.url + "/run")
        settle(page)
        told = page.get_by_test_id("stMetric").filter(has_text="attempts told").get_by_test_id("stMetricValue")
        first = told.inner_text()
        expect(told).not_to_have_text(first, timeout=30_000)
        second = told.inner_text()
        expect(told).not_to_have_text(second, timeout=30_000)
        assert 0 <= int(first.replace(",", "")) < int(second.replace(",", ""))
    finally:
        os.killpg(run.pid, signal.SIGINT)
        run.communicate(timeout=60)
