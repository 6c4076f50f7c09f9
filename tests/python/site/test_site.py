"""The site of the documentation, built with warnings as errors, in a real browser."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mkdocs", reason="mkdocs, which builds the site, is not installed")
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright, which drives the browser, is not installed")

ROOT = Path(__file__).resolve().parents[3]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_browser = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium is installed; Debian's package is called chromium"
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return folder


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


def test_every_page_of_the_docs_and_every_public_name_is_on_the_site(site: Path) -> None:
    pages = {page.relative_to(site).with_suffix("") for page in site.rglob("*.html")}
    assert {page.relative_to(ROOT / "docs").with_suffix("") for page in (ROOT / "docs").rglob("*.md")} <= pages
    import data_bridge.postgres as pg

    reference = "".join(page.read_text() for page in (site / "reference").glob("*.html"))
    missing = [
        name
        for name in pg.__all__
        if f'id="data_bridge.postgres.{name}"' not in reference
        and f'id="data_bridge.postgres.errors.{name}"' not in reference
    ]
    assert missing == []
    # A docstring of the compiled module, whose stub has none.
    assert "Keeps the rows for which all conditions are true." in reference


@needs_browser
def test_pages_open_without_errors_and_without_other_servers(site: Path, address: str, browser: Any) -> None:
    page = browser.new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "request", lambda request: None if request.url.startswith((address, "data:")) else wrong.append(request.url)
    )
    page.on("response", lambda answer: None if answer.status < 400 else wrong.append(f"{answer.status} {answer.url}"))
    pictures = 0
    for file in sorted(site.rglob("*.html")):
        where = file.relative_to(site).as_posix()
        if where == "404.html":  # its links are absolute, for a server's root
            continue
        page.goto(f"{address}/{where}", wait_until="load")
        assert page.locator("h1").count() == 1, where
        widths = page.evaluate("[...document.images].map(image => image.naturalWidth)")
        assert all(widths), f"{where}: a picture did not load"
        pictures += len(widths)
        assert wrong == [], where
    assert pictures > 0


@needs_browser
def test_the_search_finds_a_word_and_leads_to_its_page(address: str, browser: Any) -> None:
    page = browser.new_page()
    page.goto(f"{address}/index.html")
    page.click("input.md-search__input")
    page.locator("input.md-search__input").press_sequentially("passfile", delay=20)
    found = page.locator("a.md-search-result__link[href*=connecting]").first
    found.wait_for()
    found.click()
    page.wait_for_url("**/connecting.html*")
    assert "passfile" in page.inner_text("article").lower()
