"""Text, JSON, page, test report and step summary: what they hold, and that hostile text stays text in all of them."""

import html
import json
import os
import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

from lo2.diff.comparison import Comparison, JudgedRun
from lo2.diff.finding import KEYS, KINDS, Finding
from lo2.features.templates import template_id
from lo2.report.findings_document import findings_document, findings_json
from lo2.report.findings_github import LIMIT, github_summary
from lo2.report.findings_junit import findings_junit
from lo2.report.findings_page import render_findings_page
from lo2.report.findings_text import ALL_SHOWN, HIGHEST, TextOptions, findings_headline, findings_lines
from lo2.report.summary import odd_lines

HOSTILE = (
    "\x1b[31mred\x1b[0m \x1b]0;title\x07 <script>alert(1)</script> </pre></details><img src=x onerror=alert(1)> ]]> &amp; "
    "::error file=a::b ##[error]x `code` [link](javascript:x) |cell| @mention \u202egnp.exe \x00\x08\ufffe\uffff \r\n::warning::two "
    "</style></title> {{ 7*7 }} %0A::set-output name=a::b"
)


def finding(
    text: str = HOSTILE, line: int | None = 7, kind: str = "new", service: str = "web", target: int = 0
) -> Finding:
    n = len(text.split("\n"))
    place = {} if line is None else {"file": f"{text[:40]}.log", "line": line, "end_line": line + n - 1, "head": line}
    return Finding(
        service,
        kind,
        0.9,
        template_id(text),
        text,
        f"never in 1 baseline; nearest: {text}",
        text=None if line is None else text,
        nearest=text,
        count=1,
        time="2024-03-05T09:07:03.120Z" if line else None,
        scores=(0.9,) * n,
        masked=tuple(text.split("\n")),
        target=target,
        before=(text.replace("\n", " "),) if line else (),
        after=(text.replace("\n", " "),) if line else (),
        **place,
    )


def comparison(*findings: Finding, **more: object) -> Comparison:
    names = tuple(sorted({one.service for one in findings}))
    return Comparison((("good.log", 1000),), (("bad.log", 900),), findings, services=names, **more)


HOSTILE_ONE = comparison(
    finding(),
    finding(line=None, kind="gone"),
    finding(service=HOSTILE),
    unpaired=(HOSTILE,),
    notes=(HOSTILE,),
    unmatched=(HOSTILE,),
)
JUDGED = (JudgedRun(HOSTILE, True, 0.01, HOSTILE), JudgedRun(HOSTILE, None, None, ""), JudgedRun("quiet", False, 0.7))
HOSTILE_RUN = replace(HOSTILE_ONE, command="run", against="the training normals", runs=JUDGED)
WITHOUT_LINES = Comparison((), (), (), command="score", runs=JUDGED, why=HOSTILE)
every_command = pytest.mark.parametrize(
    "found",
    [HOSTILE_ONE, HOSTILE_RUN, replace(HOSTILE_RUN, command="score"), WITHOUT_LINES],
    ids=["diff", "run", "score", "score-without-lines"],
)


def assert_plain(text: str) -> None:
    """No control character, nothing that reorders, no line that a build server acts on."""
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b-\u200f]", text)
    assert "##[" not in text
    assert not any(line.lstrip().startswith("::") for line in text.split("\n"))


@every_command
def test_hostile_text_stays_text_at_the_terminal(found):
    assert_plain("\n".join(findings_lines(found, TextOptions())))


@every_command
def test_colours_are_the_only_escapes_in_colour(found):
    coloured = "\n".join(findings_lines(found, TextOptions(colour=True)))
    assert_plain(re.sub("\x1b\\[[0-9]{1,2}m", "", coloured))


@every_command
def test_hostile_text_stays_text_in_json(found):
    text = findings_json(findings_document(found))
    assert_plain(text)
    assert [one["text"] for one in json.loads(text)["findings"]] == [one.text for one in found.findings]


@every_command
def test_hostile_text_stays_text_in_the_step_summary(found):
    text = github_summary(found)
    assert_plain(text)
    assert "<script" not in text
    assert "<img" not in text
    assert "@mention" not in re.sub("<pre>.*?</pre>", "", text, flags=re.DOTALL)
    assert text.count("<pre>") == text.count("</pre>") == len(found.findings)
    assert "[link](" not in re.sub("<pre>.*?</pre>", "", text, flags=re.DOTALL)


@every_command
def test_hostile_text_stays_text_in_the_test_report(found):
    text = findings_junit(found, timestamp="2026-01-01T00:00:00")
    assert_plain(text)
    root = ET.fromstring(text)
    assert {element.tag for element in root.iter()} <= {
        "testsuites", "testsuite", "properties", "testcase", "failure", "skipped", "system-out", "system-err",
    }  # fmt: skip


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes |= {name for name, _ in attrs}


@every_command
def test_hostile_text_stays_text_on_the_page(found):
    text = render_findings_page(found)
    tags = Tags()
    tags.feed(text)
    assert not tags.seen & {"script", "img", "iframe", "link", "object"}
    assert not any(name.startswith("on") or name == "style" for name in tags.attributes)
    assert_plain(text)


@every_command
def test_a_rendered_step_summary_holds_no_link_no_picture_and_no_code_but_ours(found):
    markdown_it = pytest.importorskip("markdown_it")
    tags = Tags()
    tags.feed(markdown_it.MarkdownIt("commonmark", {"html": True}).enable("table").render(github_summary(found)))
    ours = {
        "h3",
        "p",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "ul",
        "li",
        "details",
        "summary",
        "b",
        "code",
        "pre",
    }
    assert tags.seen <= ours
    assert tags.attributes <= {"open"}


def test_flagged_runs_lead_the_summary_and_are_failures_of_the_test_report():
    text = github_summary(HOSTILE_RUN)
    assert text.startswith("### lo2 run: 1 of 3 runs flagged, 1 not told, 3 findings")
    suites = {
        suite.attrib["name"]: suite
        for suite in ET.fromstring(findings_junit(HOSTILE_RUN, timestamp="2026-01-01T00:00:00"))
    }
    assert suites["lo2 run: runs"].attrib["failures"] == "1"
    assert suites["lo2 run: runs"].attrib["tests"] == "3"


def test_what_was_not_compared_is_said_with_its_reason_everywhere():
    found = replace(WITHOUT_LINES, why="the raw logs are not at hand")
    assert "the raw logs are not at hand" in findings_headline(found)
    assert next(iter(findings_lines(found, TextOptions()))) == findings_headline(found)
    for text in (github_summary(found), render_findings_page(found)):
        assert "No line was compared" in text
    assert findings_document(found)["why"] == "the raw logs are not at hand"
    assert [one["flagged"] for one in findings_document(found)["runs"]] == [True, None, False]


def test_the_page_has_no_script_and_filters_by_kind_without_one():
    text = render_findings_page(comparison(*(finding("x y", 3 + i, kind) for i, kind in enumerate(KINDS))))
    assert "<script" not in text
    assert "script-src" not in text
    assert "default-src 'none'" in html.unescape(text)
    for kind in KINDS:
        assert f'id="k-{kind}"' in text
        assert f"#k-{kind}:not(:checked)" in text


def test_the_page_shows_a_timeline_and_what_was_left_out():
    text = render_findings_page(
        comparison(finding("x y"), finding("z", 9, service="db"), left_out=(("foreign file", 3),), ignored=2)
    )
    assert text.count("<svg") == 2
    assert text.count('<details class="service">') == 2
    assert "files: foreign file" in text
    assert "findings accepted before" in text


def test_nothing_to_show_is_one_sentence_everywhere():
    empty = comparison()
    assert list(findings_lines(empty, TextOptions()))[1:] == ["Nothing in it is unusual against the good logs."]
    assert "nothing unusual" in github_summary(empty)
    assert "Nothing in it is unusual" in render_findings_page(empty)
    assert json.loads(findings_json(findings_document(empty)))["findings"] == []


def test_every_key_is_always_there():
    values = findings_document(HOSTILE_ONE)
    assert list(values) == ["format", "baselines", "target", "lines_shown", "ignored", "findings"]
    assert all(tuple(one) == KEYS for one in values["findings"])
    gone = values["findings"][1]
    assert (gone["file"], gone["line"], gone["end_line"]) == (None, None, None)


def test_several_bad_runs_are_named_in_json():
    two = Comparison(
        (("good", 9),),
        (("a", 5), ("b", 6)),
        (finding("x"), finding("x", target=1)),
        services=("web",),
        shared=(("0a", (0, 1)),),
    )
    values = findings_document(two)
    assert [one["target"] for one in values["findings"]] == ["a", "b"]
    assert values["target"] == {"path": "a, b", "lines": 11}
    assert values["shared"] == [{"template": "0a", "targets": ["a", "b"]}]


def test_a_terminal_shows_fifty_findings_and_of_more_the_highest():
    few = comparison(*(finding(f"x {i}", 10 * i + 1) for i in range(ALL_SHOWN)))
    many = comparison(*(finding(f"x {i}", 10 * i + 1) for i in range(ALL_SHOWN + 1)))

    def count(found: Comparison, *, every: bool) -> int:
        return sum("  never in" in line for line in findings_lines(found, TextOptions(every=every)))

    assert count(few, every=False) == ALL_SHOWN
    assert count(many, every=False) == HIGHEST
    assert count(many, every=True) == ALL_SHOWN + 1


def test_what_many_runs_share_is_cut_too_and_a_path_names_its_run_once():
    two = finding("x"), replace(finding("y", target=1), file="b/web.log")
    shared = ((two[0].template, (0, 1)),) * (HIGHEST + 1)
    found = Comparison((("good", 9),), (("a", 5), ("b", 6)), two, shared=shared, services=("web",))
    text = list(findings_lines(found, TextOptions(every=False)))
    assert f"Shared by several of 2 bad runs, the {HIGHEST} first of {HIGHEST + 1} findings:" in text
    assert sum("  in 2: a, b" in line for line in text) == HIGHEST
    assert sum("  in 2: a, b" in line for line in findings_lines(found, TextOptions())) == HIGHEST + 1
    assert [line.split("  ")[0] for line in text if "  new  " in line] == ["a x.log:7", "b/web.log:7"]


def test_top_shows_so_many_lines():
    found = comparison(finding("a\nb\nc", 1), finding("d", 9))
    shown = list(findings_lines(found, TextOptions(top=2)))
    assert sum(bool(re.match(r" +[0-9]+ \| ", line)) for line in shown) == 2


def test_the_first_line_says_what_was_compared_and_left_out():
    assert findings_headline(comparison(finding("x"), ignored=2)) == (
        "900 lines of bad.log against 1,000 lines of good.log: 1 line in 1 finding, 899 left out; 2 findings accepted before"
    )


def test_runs_that_nobody_can_judge_are_not_said_to_be_normal():
    runs = (JudgedRun("night-1", None, 0.2), JudgedRun("night-2", None, 0.3))
    told = {"runs": runs, "command": "score"}
    for found in (comparison(**told), comparison(finding("x"), **told), replace(WITHOUT_LINES, runs=runs)):
        page = odd_lines(findings_document(found), originals=False).headline
        for text in (page, github_summary(found), findings_junit(found, timestamp="2026-01-01T00:00:00")):
            assert "0 of 2" not in text
        assert "2 runs ranked, too few normal ones to flag any" in page
        assert "2 runs ranked, too few normal ones to flag any" in github_summary(found)
        root = ET.fromstring(findings_junit(found, timestamp="2026-01-01T00:00:00"))
        assert len(root.findall("testsuite/testcase/skipped")) == 2


def test_a_summary_stays_below_what_a_step_may_write():
    many = comparison(*(finding("x" * 900 + str(i), 10 * i + 1) for i in range(2000)))
    text = github_summary(many)
    assert len(text.encode()) < LIMIT + 1000 < 1 << 20
    assert "more findings do not fit" in text


# The shape of the JUnit schema that CI servers share (windyroad's JUnit.xsd): attributes required, children in order.
REQUIRED = {
    "testsuite": {"name", "timestamp", "hostname", "tests", "failures", "errors", "time", "id", "package"},
    "testcase": {"name", "classname", "time"},
    "failure": {"type"},
}
ORDER = {
    "testsuite": ["properties", "testcase", "system-out", "system-err"],
    "testcase": ["failure", "skipped"],
    "testsuites": ["testsuite"],
}


REPORTS = [HOSTILE_ONE, HOSTILE_RUN, WITHOUT_LINES, comparison(), comparison(finding("x"))]


@pytest.mark.parametrize("found", REPORTS)
def test_the_test_report_is_valid_by_its_schema(found: Comparison):
    """Needs the package ``xmlschema`` and, in LO2_JUNIT_XSD, the path of the schema file (windyroad's JUnit.xsd)."""
    schema = pytest.importorskip("xmlschema")
    if not (path := os.environ.get("LO2_JUNIT_XSD")):
        pytest.skip("LO2_JUNIT_XSD does not name the schema")
    schema.XMLSchema(path).validate(findings_junit(found, timestamp="2026-01-01T00:00:00"))


@pytest.mark.parametrize("found", REPORTS)
def test_the_test_report_has_the_shape_of_its_schema(found: Comparison):
    root = ET.fromstring(findings_junit(found, timestamp="2026-01-01T00:00:00"))
    assert root.tag == "testsuites"
    for element in root.iter():
        assert REQUIRED.get(element.tag, set()) <= set(element.attrib)
        children = [child.tag for child in element]
        order = ORDER.get(element.tag, [])
        assert set(children) <= set(order)
        assert children == sorted(children, key=order.index)
    for suite in root:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.attrib["timestamp"])
        assert int(suite.attrib["tests"]) == len(suite.findall("testcase"))
        assert int(suite.attrib["failures"]) == len(suite.findall("testcase/failure"))
        assert int(suite.get("skipped", "0")) == len(suite.findall("testcase/skipped"))
        assert [len(suite.findall(tag)) for tag in ("properties", "system-out", "system-err")] == [1, 1, 1]
