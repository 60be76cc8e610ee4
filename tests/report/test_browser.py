"""The page in a real headless Chromium: filter, search, sort, details and back, with and without JavaScript."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lo2.artefacts.layout import Home
from lo2.report.html import render_html
from lo2.report.sources import Sources
from lo2.report.summary import summarise

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")

PLACES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "/snap/bin/chromium")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


@dataclass
class Seen:
    """What a page said and asked for."""

    messages: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def browser() -> Iterator["sync_api.Browser"]:
    found = next(filter(None, map(shutil.which, [os.environ.get("LO2_CHROMIUM", ""), *PLACES])), None)
    if found is None:
        pytest.skip("no Chromium found: install Debian's package `chromium`, or name one in LO2_CHROMIUM")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        yield started
        started.close()


@pytest.fixture(scope="module")
def url(state: Home, tmp_path_factory: pytest.TempPathFactory) -> str:
    return written(state, tmp_path_factory.mktemp("page"))


def written(home: Home, folder: Path) -> str:
    path = folder / "report.html"
    path.write_text(render_html(summarise(Sources.from_home(home))), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
def page(browser: "sync_api.Browser", url: str, seen: Seen) -> Iterator["sync_api.Page"]:
    context = browser.new_context(reduced_motion="reduce")
    opened = context.new_page()
    opened.on("console", lambda message: seen.messages.append(message.text))
    opened.on("pageerror", lambda error: seen.messages.append(str(error)))
    opened.on("request", lambda request: seen.requests.append(request.url))
    opened.goto(url)
    yield opened
    context.close()
    assert seen.messages == []
    assert [one for one in seen.requests if not one.startswith(url)] == []


def listed(page: "sync_api.Page", column: int) -> list[str]:
    script = "(rows, column) => rows.filter(r => !r.hidden).map(r => r.cells[column].textContent.trim())"
    found: list[str] = page.locator("#rows tbody tr").evaluate_all(script, column)
    return found


def test_filters_leave_the_rows_asked_for_and_count_them(page: "sync_api.Page") -> None:
    page.get_by_label("Service", exact=True).select_option("token")
    page.get_by_label("Test case", exact=True).select_option("get_token_404")
    assert set(listed(page, 2)) == {"token"}
    assert set(listed(page, 1)) == {"get_token_404"}
    assert page.locator("#count").inner_text() == "12 of 96 sequences"
    page.get_by_label("Test case", exact=True).select_option("")
    page.get_by_label("Show").select_option("false alarm")
    assert set(listed(page, 1)) <= {"correct"}
    page.get_by_label("Show").select_option("flagged")
    assert set(listed(page, 6)) <= {"found", "false alarm"}


def test_search_finds_words_in_any_order(page: "sync_api.Page") -> None:
    page.get_by_label("Search").fill("CLIENT too_short 1738371600")
    assert listed(page, 3) == ["LO2_run_1738371600"]
    page.get_by_label("Search").fill("alert onerror")  # of the line
    assert set(listed(page, 6)) >= {"found"}
    page.get_by_label("Search").fill("<style>")
    assert listed(page, 3) == []
    assert page.locator("#count").inner_text() == "0 of 96 sequences"


def test_a_column_sorts_both_ways_and_says_so(page: "sync_api.Page") -> None:
    head = page.get_by_role("button", name="p-value")
    for word, reverse in (("ascending", False), ("descending", True)):
        head.click()
        values = [float(text.removeprefix("≤ ")) for text in listed(page, 5) if text != "–"]
        assert values == sorted(values, reverse=reverse)
        assert page.locator("#rows th[aria-sort]").get_attribute("aria-sort") == word
    page.get_by_role("button", name="test case").click()
    assert listed(page, 1) == sorted(listed(page, 1))


def test_another_detector_ranks_the_list_anew(page: "sync_api.Page") -> None:
    before = listed(page, 3)
    page.get_by_label("Ranked by").select_option("if")
    assert listed(page, 3) != before
    assert [int(rank) for rank in listed(page, 0)] == sorted(int(rank) for rank in listed(page, 0))
    assert page.locator("#ranked-by").inner_text() == "if"
    page.get_by_label("Ranked by").select_option("knn_words")
    assert listed(page, 3) == before


def test_a_detail_opens_by_keyboard_and_gives_the_focus_back(page: "sync_api.Page") -> None:
    link = page.locator("#rows a").first
    link.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".seq.current")
    assert page.locator("#explorer").is_hidden()
    assert page.locator(".seq.current h2").evaluate("e => e === document.activeElement")
    assert page.locator(".seq.current .lines code").first.inner_text().startswith("=ERROR </script><script>alert(1)")
    page.get_by_role("link", name="Next").click()
    assert page.locator(".seq.current").get_attribute("id") == "detail-2"
    page.go_back()
    assert page.locator(".seq.current").get_attribute("id") == "detail-1"
    page.get_by_role("link", name="Back to the list").click()
    page.wait_for_selector("#explorer", state="visible")
    assert link.evaluate("e => e === document.activeElement")
    link.click()
    page.wait_for_selector(".seq.current")
    page.keyboard.press("Escape")
    page.wait_for_selector("#rows", state="visible")


def test_the_policy_stops_what_might_still_get_in(page: "sync_api.Page", seen: Seen) -> None:
    for attempt in (
        "() => document.body.append(Object.assign(new Image(), { src: 'https://example.invalid/a.png' }))",
        "() => document.body.append(Object.assign(document.createElement('script'), { text: 'window.hit = 1' }))",
    ):
        with page.expect_console_message(lambda message: "Content Security Policy" in message.text):
            page.evaluate(attempt)
    assert page.evaluate("window.hit") is None
    seen.messages.clear()
    seen.requests.clear()


def test_without_javascript_tables_and_details_are_there(browser: "sync_api.Browser", url: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(url)
    assert page.locator("#rows tbody tr").count() == 96
    assert page.locator("#filters").is_hidden()
    summary = page.locator(".seq > summary").first
    assert summary.is_visible()
    summary.click()
    assert page.locator(".seq .lines").first.is_visible()
    context.close()


WIDER = """() => [...document.querySelectorAll('#findings *, #explorer *, .seq.current *')].filter(e => {
    const box = e.getBoundingClientRect();
    return box.width && !e.closest('.quiet') && getComputedStyle(e).position !== 'absolute' && box.right > innerWidth + 1;
}).length"""


@pytest.mark.parametrize("javascript", [True, False])
def test_a_narrow_screen_scrolls_in_one_direction_only(browser: "sync_api.Browser", url: str, javascript: bool) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=javascript)
    page = context.new_page()
    page.goto(url)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    if javascript:
        assert page.evaluate(WIDER) == 0
        page.locator("#rows a").first.click()
        page.wait_for_selector(".seq.current")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert page.evaluate(WIDER) == 0
    context.close()


SMALLEST = """() => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const small = new Set();
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const e = node.parentElement;
        if (!node.textContent.trim() || !e.getClientRects().length || e.closest('script, style, .quiet')) continue;
        const scale = e instanceof SVGGraphicsElement ? Math.hypot(e.getScreenCTM().a, e.getScreenCTM().b) : 1;
        const size = parseFloat(getComputedStyle(e).fontSize) * scale;
        if (size < 11.95) small.add(`${e.tagName} ${e.className.baseVal ?? e.className} ${size.toFixed(1)}`);
    }
    return [...small];
}"""


@pytest.mark.parametrize("width", [1280, 900, 390])
def test_no_text_is_smaller_than_twelve_pixels(browser: "sync_api.Browser", url: str, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 860})
    page.goto(url)
    page.evaluate("() => document.querySelectorAll('details').forEach(e => { e.open = true; })")
    assert page.evaluate(SMALLEST) == []
    page.locator("#rows a").first.click()
    page.wait_for_selector(".seq.current")
    assert page.evaluate(SMALLEST) == []
    page.close()


def test_every_flagged_row_opens_a_detail_with_its_line(page: "sync_api.Page") -> None:
    page.get_by_label("Show").select_option("flagged")
    links = page.locator("#rows tbody tr:not([hidden]) td:nth-child(2) a").evaluate_all("es => es.map(e => e.hash)")
    flagged = [split for split in listed(page, 4) if split != "train"]
    assert len(links) == len(flagged) > 6
    for link in links:
        page.evaluate("hash => { location.hash = hash; }", link)
        page.wait_for_selector(f".seq.current {link}")
        assert page.locator(".seq.current .lines code").first.is_visible()


def test_the_explorer_begins_within_the_first_two_screens(page: "sync_api.Page") -> None:
    page.set_viewport_size({"width": 1280, "height": 860})
    assert page.locator("#explorer").evaluate("e => e.getBoundingClientRect().top") < 2 * 860
    hits = page.locator(".hit a[href^='#seq-']")
    assert hits.count() == 3
    hits.first.click()
    page.wait_for_selector(".seq.current")
    page.get_by_role("link", name="Back to the list").click()
    page.locator(".word").first.click()
    assert page.locator("#words").is_visible()


def test_every_control_has_a_name_and_dark_text_is_legible(browser: "sync_api.Browser", url: str) -> None:
    context = browser.new_context(color_scheme="dark")
    page = context.new_page()
    page.goto(url)
    unnamed = "es => es.filter(e => !(e.labels?.length || e.textContent.trim() || e.ariaLabel)).length"
    assert page.locator("input, select, button, a").evaluate_all(unnamed) == 0
    assert page.locator("svg.chart:not([aria-label])").count() == 0
    colours = page.evaluate("(s => [s.color, s.backgroundColor])(getComputedStyle(document.body))")
    light, dark = (sum(map(int, colour[4:-1].split(","))) for colour in colours)
    assert light > 600
    assert dark < 150
    context.close()


def test_twenty_thousand_sequences_open_and_filter(
    browser: "sync_api.Browser", make_home: Callable[..., Home], tmp_path: Path
) -> None:
    page = browser.new_page()
    page.goto(written(make_home(tmp_path, runs=2500), tmp_path))
    assert "of 20,000 sequences" in page.locator("#explorer > p.note").first.inner_text()
    rows = page.locator("#rows tbody tr").count()
    assert 2000 < rows <= 3500
    page.get_by_label("Service", exact=True).select_option("token")
    assert page.locator("#count").inner_text() == f"{len(listed(page, 0)):,} of {rows:,} sequences"
    assert set(listed(page, 2)) == {"token"}
    page.close()
