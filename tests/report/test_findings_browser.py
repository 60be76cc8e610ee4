"""The page of findings in a real headless Chromium, without JavaScript: order, folded context, timeline, filter, services."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lo2.diff.comparison import Comparison, JudgedRun
from lo2.diff.finding import Finding
from lo2.report.findings_page import render_findings_page

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
PLACES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "/snap/bin/chromium")


def finding(service: str, kind: str, line: int | None, text: str) -> Finding:
    one = Finding(service, kind, 0.9, "0a0b0c0d", text, "never in 3 baselines", scores=(0.9,), masked=(text,))
    if line is None:
        return one
    time = f"2024-03-05T09:07:{line:02d}.000Z"
    place = replace(one, file=f"{service}.log", line=line, end_line=line, head=line, time=time, text=text)
    return replace(place, before=("the line before",), after=("the line after",))


FOUND = Comparison(
    (("good.log", 100),),
    (("bad.log", 90),),
    (
        finding("db", "gone", None, "ready"),
        finding("web", "new", 7, "refused"),
        finding("db", "more", 9, "slow query"),
        finding("web", "new", 40, "gave up"),
    ),
    services=("db", "web", "mail"),
    left_out=(("foreign file", 3),),
    ignored=2,
    unpaired=("cron: no baseline has it",),
    command="score",
    runs=(JudgedRun("bad.log", True, 0.02, "web"), JudgedRun("fine.log", False, 0.6)),
)


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Iterator["sync_api.Page"]:
    found = next(filter(None, map(shutil.which, [os.environ.get("LO2_CHROMIUM", ""), *PLACES])), None)
    if found is None:
        pytest.skip("no Chromium found: install Debian's package `chromium`, or name one in LO2_CHROMIUM")
    target: Path = tmp_path_factory.mktemp("page") / "findings.html"
    target.write_text(render_findings_page(FOUND), encoding="utf-8")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        one = browser.new_context(java_script_enabled=False).new_page()
        one.goto(target.as_uri())
        yield one
        browser.close()


def test_findings_stand_in_order_with_their_context_folded(page):
    assert page.locator("article h3").all_inner_texts()[1].split()[1] == "web.log:7"
    assert page.locator("article").count() == 4
    assert not page.get_by_text("the line before").first.is_visible()
    page.locator("article details summary").first.click()
    assert page.get_by_text("the line before").first.is_visible()


def test_kinds_are_filtered(page):
    new = page.locator("article.new").first
    assert new.is_visible()
    page.locator("label.new").click()
    assert not new.is_visible()
    assert page.locator("article.more").is_visible()
    page.locator("label.new").click()
    assert new.is_visible()


def test_one_timeline_spans_all_services_and_leads_to_the_findings(page):
    lanes = page.locator(".lane:not(.ends)")
    assert lanes.count() == 2
    assert page.locator(".lane.ends").inner_text().split() == ["2024-03-05T09:07:07.000Z", "2024-03-05T09:07:40.000Z"]
    mark = page.locator('.lane a[aria-label="more: db.log:9"]')
    assert mark.get_attribute("href") == "#f2"
    x = [float(rect.get_attribute("x")) for rect in page.locator(".lane rect").all()]
    assert min(x) == 0.0
    assert max(x) == 98.5


def test_services_have_sections_and_quiet_ones_are_named(page):
    section = page.locator("details.service").first
    section.locator("summary").click()
    section.locator("li a").first.click()
    assert page.url.endswith("#f0")
    assert page.get_by_text("Nothing unusual in: mail").is_visible()


def test_what_was_left_out_and_why_stands_at_the_end(page):
    rows = page.locator("section[aria-labelledby=left] tr").all_inner_texts()
    assert "good\tgood.log: 100 lines" in rows
    assert "files: foreign file\t3" in rows
    assert "findings accepted before (ignore file)\t2" in rows
    assert "no partner\tcron: no baseline has it" in rows


def test_flagged_runs_lead_the_page_of_score(page):
    rows = page.locator("section[aria-labelledby=runs] tbody tr").all_inner_texts()
    assert rows[0].split("\t") == ["bad.log", "0.020", "flagged", "web"]


def test_a_phone_is_wide_enough(page):
    page.set_viewport_size({"width": 360, "height": 640})
    box = page.locator("main").bounding_box()
    assert box is not None
    assert box["width"] <= 360
