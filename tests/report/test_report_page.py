"""The page: self-contained, hostile text stays text, readable without JavaScript."""

import base64
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from lo2.artefacts.layout import Home
from lo2.report.charts import meter_chart, svg_element, svg_text
from lo2.report.html import render_html
from lo2.report.sources import Sources
from lo2.report.summary import odd_lines, summarise
from lo2.report.values import OddLine, OddLines
from lo2.visible import visible

MakeHome = Callable[..., Home]
_REQUESTING = {"src", "href", "action", "formaction", "data", "poster", "srcset", "background", "ping", "manifest"}


class Outline(HTMLParser):
    """Tags, attributes, headings and the text of scripts and styles of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.headings: list[str] = []
        self.blocks: list[tuple[str, str]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            while self.open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("script", "style"):
            self.blocks.append((self.open[-1], data))
        if "h2" in self.open:
            self.headings.append(data.strip())


@pytest.fixture(scope="module")
def page(state: Home) -> str:
    return render_html(summarise(Sources.from_home(state)))


@pytest.fixture(scope="module")
def outline(page: str) -> Outline:
    parser = Outline()
    parser.feed(page)
    return parser


def test_findings_stand_before_the_explorer_and_that_before_figures(outline: Outline) -> None:
    sections = [attributes.get("id") for name, attributes in outline.tags if name == "section"]
    assert sections == ["findings", "explorer", "details", "lines", "evaluation", "card", "data", "words"]
    headings = [text for text in outline.headings if text in ("Explorer", "Evaluation", "Faults and services", "Data")]
    assert headings == ["Explorer", "Evaluation", "Faults and services", "Data"]


def test_equal_artefacts_give_equal_pages(page: str, state: Home) -> None:
    assert render_html(summarise(Sources.from_home(state))) == page


def test_nothing_points_outside_the_page(page: str, outline: Outline) -> None:
    targets = {value for _, attributes in outline.tags for key, value in attributes.items() if key in _REQUESTING}
    assert all(target and target.startswith("#") for target in targets)
    assert {"img", "link", "iframe", "object", "base", "form"} & {name for name, _ in outline.tags} == {"form"}
    assert not re.search(r"@import|url\(", page)


def test_every_link_has_its_target(outline: Outline) -> None:
    ids = [attributes["id"] for _, attributes in outline.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = {attributes["href"] for name, attributes in outline.tags if name == "a"}
    assert {str(link)[1:] for link in links} <= set(ids)


def test_the_policy_allows_the_two_inline_blocks_by_hash_and_nothing_else(outline: Outline) -> None:
    policy = next(a["content"] for name, a in outline.tags if a.get("http-equiv") == "Content-Security-Policy") or ""
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    style, _, script = (data for _, data in outline.blocks)
    expected = {"default-src": "'none'", "base-uri": "'none'", "form-action": "'none'"}
    for kind, block in (("style-src", style), ("script-src", script)):
        expected[kind] = f"'sha256-{base64.b64encode(hashlib.sha256(block.encode()).digest()).decode()}'"
    assert rules == expected


def test_no_element_carries_inline_style_or_handlers(outline: Outline) -> None:
    names = {key for _, attributes in outline.tags for key in attributes}
    assert not [name for name in names if name == "style" or name.startswith("on")]


def test_hostile_log_text_stays_text(page: str, outline: Outline) -> None:
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert [name for name, _ in outline.tags].count("script") == 2
    assert "\u202e" not in page
    assert "\x07" not in page
    assert "\\u202egnp.exe\\x07" in page


def test_hostile_names_cannot_leave_their_places(tmp_path: Path, make_home: MakeHome) -> None:
    home = make_home(tmp_path)
    import polars as pl

    evil = "</td></script><script>alert(1)</script>\"' onmouseover=alert(2)"
    for path in home.result.glob("lo2_*.parquet"):
        frame = pl.read_parquet(path)
        if "test_case" in frame.columns:
            frame.with_columns(test_case=pl.lit(evil), service=pl.lit(evil + "2")).write_parquet(path)
    path = home.path("evaluation")
    path.write_text(path.read_text().replace("get_token_404", json.dumps(evil)[1:-1]))
    page = render_html(summarise(Sources.from_home(home)))
    parser = Outline()
    parser.feed(page)
    assert [name for name, _ in parser.tags].count("script") == 2
    assert not [key for _, attributes in parser.tags for key in attributes if key.startswith("on")]


def test_the_data_block_is_json_that_cannot_end_its_element(outline: Outline, state: Home) -> None:
    block = next(data for kind, data in outline.blocks if data.startswith('{"detectors"'))
    assert not set("<>&") & set(block)
    data = json.loads(block)
    assert data["detectors"] == ["knn_words", "if"]
    assert len(data["rows"]) == 96
    assert data["rows"][0][0][0] == 1


def test_without_javascript_rows_and_details_are_in_the_page(outline: Outline) -> None:
    assert sum("data-y" in attributes for _, attributes in outline.tags) == 96
    details = [a for name, a in outline.tags if name == "details" and a.get("class") == "seq"]
    flagged = sum(bool(row[0][2]) for row in json.loads(outline.blocks[-2][1])["rows"])
    assert len(details) >= flagged > 6
    assert next(attributes for name, attributes in outline.tags if name == "form").get("hidden", "") is None


def test_a_page_of_sequences_alone_is_complete(tmp_path: Path, state: Home) -> None:
    home = Home(tmp_path, tmp_path / "models")
    home.path("sequences").write_bytes(state.path("sequences").read_bytes())
    page = render_html(summarise(Sources.from_home(home)))
    assert "There is no quality report" in page
    assert "No predictions yet: run lo2 detect." in page
    assert "<table" not in page
    assert "run lo2 explain" in page


def test_a_page_of_many_flagged_logs_stays_within_its_budget(tmp_path: Path, make_home: MakeHome) -> None:
    summary = summarise(Sources.from_home(make_home(tmp_path, runs=400)))
    assert len(summary.explorer.details) > 1000
    assert len(render_html(summary).encode()) < 2_400_000


def test_a_long_event_shows_its_first_lines_and_folds_the_rest(state: Home) -> None:
    trace = "\n".join(f"    at frame{number}" for number in range(9))
    odd = OddLines("found", (OddLine("a.log:1", "new", "never", trace, "", "0a"),), 0, originals=False)
    page = render_html(replace(summarise(Sources.from_home(state)), odd=odd))
    assert "at frame5\n</pre>" in page
    assert "<summary>3 more lines of it</summary><pre>    at frame6\n" in page


def test_of_many_findings_the_highest_are_open_and_in_order(state: Home) -> None:
    one = {"kind": "new", "reason": "r", "time": None, "template": "0a", "service": "a", "text": None}
    found = [
        one | {"file": "a", "line": i, "end_line": i, "template_text": f"t{i}", "score": i % 5} for i in range(1, 131)
    ]
    odd = odd_lines({"findings": found, "target": {"path": "x", "lines": 200}}, originals=False)
    shown = [int(line.text[1:]) for line in odd.lines]
    assert shown[:20] == list(range(4, 100, 5))[:20]
    assert len(shown) == len(set(shown)) == 100
    assert odd.beyond == 30
    page = render_html(replace(summarise(Sources.from_home(state)), odd=odd))
    assert page.count('<article class="odd">') == 100
    assert page.index("<pre>t99\n") < page.index("<summary>80 more findings</summary>") < page.index("<pre>t3\n")


def test_every_hidden_character_is_shown() -> None:
    hidden = "\x00\t\n\x1b\x85\xad\u061c\u200b\u200d\u200f\u2028\u202a\u2066\ufeff\ud800\U000e0041"
    shown = visible(f"a{hidden}b")
    assert shown.isascii()
    assert shown.startswith(r"a\x00\x09\x0a\x1b")
    assert visible("Größe 測 <*>") == "Größe 測 <*>"


def test_chart_text_and_attributes_are_escaped() -> None:
    assert svg_text("<b>\u202e", 1, 2.5) == '<text x="1" y="2.5">&lt;b&gt;\\u202e</text>'
    assert svg_element("rect", x='"><script>') == '<rect x="&quot;&gt;&lt;script&gt;"/>'
    assert 'class="neg"' in meter_chart(-0.5, 1.0)
