"""The report in a real browser: headless Chromium, driven through chromedriver with the standard
library alone.
"""

import json
import shutil
import socket
import subprocess
import time
import urllib.request
from itertools import pairwise

import pytest
from made_runs import made_claims, made_run

from bioexp.report import images
from bioexp.report.page import report

CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER),
    reason="no chromium with a chromedriver here (Debian: chromium chromium-driver)",
)

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
PATIENCE = 30  # seconds for the browser to come up or to answer
COMPLETE = "return [...document.images].every((image) => image.complete)"
SEEDS = 11  # sorted as text, 10 comes before 2


class Browser:
    """One session of WebDriver."""

    def __init__(self, port, profile):
        self.root = f"http://127.0.0.1:{port}/session"
        options = {"binary": CHROMIUM, "args": [*FLAGS, f"--user-data-dir={profile}"]}
        wanted = {
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL"},
        }
        self.root += (
            "/" + self.ask("POST", "", {"capabilities": {"alwaysMatch": wanted}})["sessionId"]
        )

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.root + path, data, {"Content-Type": "application/json"}, method=method
        )
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
            request, timeout=PATIENCE
        ) as answer:
            return json.load(answer)["value"]

    def open(self, page, width=1200, scheme="light"):
        self.devtools(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-color-scheme", "value": scheme}],
        )
        self.devtools(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        self.ask("POST", "/url", {"url": page.resolve().as_uri()})

    def run(self, script):
        return self.ask("POST", "/execute/sync", {"script": script, "args": []})

    def click(self, selector):
        (found,) = self.ask("POST", "/elements", {"using": "css selector", "value": selector})
        self.ask("POST", f"/element/{next(iter(found.values()))}/click", {})

    def press(self, key):
        strokes = [{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]
        self.ask(
            "POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": strokes}]}
        )

    def devtools(self, command, **options):
        return self.ask("POST", "/goog/cdp/execute", {"cmd": command, "params": options})

    def complaints(self):
        return self.ask("POST", "/se/log", {"type": "browser"})


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    driver = subprocess.Popen(
        [DRIVER, f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        end = time.monotonic() + PATIENCE
        while socket.socket().connect_ex(("127.0.0.1", port)) and time.monotonic() < end:
            time.sleep(0.05)
        session = Browser(port, tmp_path_factory.mktemp("profile"))
        yield session
        session.ask("DELETE", "")
    finally:
        driver.terminate()
        driver.wait(PATIENCE)


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """A page with claims, one that compares two experiments, and two whose pictures are files."""
    results = tmp_path_factory.mktemp("results")
    runs = [
        made_run(
            results,
            "a_net_of_a_rather_long_name",
            seed,
            0.8 + 0.01 * (seed * 7 % SEEDS),
            robust=0.4,
        )
        for seed in range(SEEDS)
    ]
    others = [made_run(results, "b", seed, 0.9, robust=0.45, width=9) for seed in range(SEEDS)]
    claimed = report([*runs, *others], results / "claims.html", made_claims(results))
    compared = report([*runs, *others], results / "comparison.html")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(images, "INLINE", 0)
        linked = report([*runs, *others], results / "linked.html")
        copied = report(runs, results.parent / "elsewhere" / "copied.html")
    return {"claims": claimed, "comparison": compared, "linked": linked, "copied": copied}


@pytest.mark.parametrize("name", ["claims", "comparison", "linked", "copied"])
@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (390, "dark")])
def test_a_page_opens_without_a_complaint_a_broken_picture_or_a_sideways_scroll(
    browser, pages, name, width, scheme
):
    browser.open(pages[name], width, scheme)
    browser.run("document.querySelectorAll('details').forEach((folded) => { folded.open = true; })")
    assert browser.complaints() == []
    assert browser.run("return document.images.length") > 0
    browser.run("for (const image of document.images) { image.loading = 'eager'; }")
    end = time.monotonic() + PATIENCE
    while not browser.run(COMPLETE) and time.monotonic() < end:
        time.sleep(0.05)
    assert browser.run("return [...document.images].every((image) => image.naturalWidth > 0)")
    assert browser.run("return document.documentElement.scrollWidth - innerWidth") <= 0
    dark = (
        browser.run("return getComputedStyle(document.body).backgroundColor")
        != "rgb(255, 255, 255)"
    )
    assert dark == (scheme == "dark")


@pytest.mark.parametrize("column", [1, 2])
def test_a_click_on_a_header_sorts_by_number_and_a_second_one_turns_it_round(
    browser, pages, column
):
    browser.open(pages["claims"])
    table = "#run-a_net_of_a_rather_long_name-0a1b2c3d4e5f table.sortable"
    cells = (
        f"return [...document.querySelector('{table}').tBodies[0].rows].map((row) =>"
        f" Number(row.cells[{column - 1}].textContent))"
    )
    sort = (
        f"return document.querySelector('{table} th:nth-child({column})').getAttribute('aria-sort')"
    )
    before = browser.run(cells)
    browser.run(f"document.querySelector('{table}').id = 'seeds'")
    browser.click(f"#seeds thead th:nth-child({column}) button")
    assert browser.run(cells) == sorted(before)
    assert browser.run(sort) == "ascending"
    browser.click(f"#seeds thead th:nth-child({column}) button")
    assert browser.run(cells) == sorted(before, reverse=True)
    assert browser.run(sort) == "descending"


def test_a_table_sorts_from_the_keyboard_and_what_has_no_value_stays_last(browser, pages):
    browser.open(pages["claims"])
    values = (
        "return [...document.querySelector('table.claims').tBodies[0].rows].map((row) =>"
        " row.cells[3].dataset.value)"
    )
    browser.run("document.querySelector('table.claims thead th:nth-child(4) button').focus()")
    for sign in (1, -1):
        browser.press("\ue007")
        shown = browser.run(values)
        known = [float(value) for value in shown if value]
        assert shown[-1] == ""
        assert known == sorted(known, key=lambda value: sign * value)


def test_the_first_screen_leads_to_the_rows_and_headings_never_skip_a_level(browser, pages):
    browser.open(pages["claims"])
    browser.click("header dd a[href='#log_net-row_1']")
    assert browser.run("return document.querySelector(':target').id") == "log_net-row_1"
    levels = browser.run(
        "return [...document.querySelectorAll('h1,h2,h3,h4')].map((head) => +head.tagName[1])"
    )
    assert levels[0] == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
    assert browser.run(
        "return [...document.querySelectorAll('table')].every((table) => table.caption)"
    )


def test_markup_from_claims_does_not_run(browser, pages):
    browser.open(pages["claims"])
    assert browser.run(
        "return [document.scripts.length, document.querySelectorAll('img[onerror]').length]"
    ) == [1, 0]
    browser.run(
        "const script = document.createElement('script'); script.textContent = 'window.ran = 1';"
        " document.body.append(script)"
    )
    assert (
        browser.run("return window.ran ?? null") is None
    )  # the page's policy allows its own script alone
