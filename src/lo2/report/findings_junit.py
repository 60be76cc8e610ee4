"""Findings as a test report (JUnit XML): a test per service, which fails where it has any, and one per judged run."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from xml.etree import ElementTree as ET

from lo2.diff.comparison import Comparison, JudgedRun
from lo2.report.findings_text import TextOptions, finding_lines, findings_headline, log_line_as_text
from lo2.report.findings_view import ServiceView, services_viewed

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MOST = 50
_MESSAGE = 400


def findings_junit(found: Comparison, *, timestamp: str) -> str:
    """The report; ``timestamp`` is when it was made, to the second.

    Examples
    --------
    >>> empty = Comparison((("good", 1),), (("bad", 1),), (), services=("web",))
    >>> ET.fromstring(findings_junit(empty, timestamp="2026-01-01T00:00:00")).find("testsuite").get("tests")
    '1'
    """
    root = ET.Element("testsuites")
    views = services_viewed(found)
    for number, (path, _) in enumerate(found.targets):
        mine = [view for view in views if view.target == number]
        failures = sum(bool(view.findings) for view in mine)
        with _junit_test_suite(root, f"lo2 {found.command} {path}", found, timestamp, len(mine), failures) as suite:
            for view in mine:
                _junit_case_of_service(suite, view, found, path)
    if found.runs or not found.targets:
        flagged = sum(bool(one.flagged) for one in found.runs)
        with _junit_test_suite(root, f"lo2 {found.command}: runs", found, timestamp, len(found.runs), flagged) as suite:
            if unknown := sum(one.flagged is None for one in found.runs):
                suite.set("skipped", str(unknown))
            for run in found.runs:
                _junit_case_of_run(suite, run)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


@contextmanager
def _junit_test_suite(
    root: ET.Element, name: str, found: Comparison, timestamp: str, tests: int, failures: int
) -> Iterator[ET.Element]:
    """A suite in the order of its schema: properties, then what is put into it, then what was said."""
    counts = {"tests": str(tests), "failures": str(failures), "errors": "0", "time": "0"}
    facts = {"package": f"lo2.{found.command}", "id": str(len(root)), "name": xml_text(name), "timestamp": timestamp}
    suite = ET.SubElement(root, "testsuite", {**facts, "hostname": "localhost", **counts})
    ET.SubElement(suite, "properties")
    yield suite
    ET.SubElement(suite, "system-out").text = xml_text(findings_headline(found))
    ET.SubElement(suite, "system-err")


def _junit_case_of_run(suite: ET.Element, run: JudgedRun) -> None:
    case = ET.SubElement(suite, "testcase", {"classname": "run", "name": xml_text(run.path), "time": "0"})
    if run.flagged:
        ET.SubElement(case, "failure", {"message": xml_text(f"flagged: {run.said}")[:_MESSAGE], "type": "flagged"})
    elif run.flagged is None:
        ET.SubElement(case, "skipped", {"message": "too few normal runs to tell"})


def _junit_case_of_service(suite: ET.Element, view: ServiceView, found: Comparison, path: str) -> None:
    case = ET.SubElement(suite, "testcase", {"classname": xml_text(path), "name": xml_text(view.name), "time": "0"})
    if not view.findings:
        return
    worst = max(view.findings, key=lambda one: one.score)
    kinds = ", ".join(f"{n} {kind}" for kind, n in view.kinds)
    message = xml_text(
        f"{kinds}; highest: {(worst.text or worst.reason).splitlines()[0] if worst.text else worst.reason}"
    )
    failure = ET.SubElement(case, "failure", {"message": message[:_MESSAGE], "type": worst.kind})
    text: list[str] = []
    for one in view.findings[:_MOST]:
        text += finding_lines(one, found, TextOptions())
    if len(view.findings) > _MOST:
        text.append(f"and {len(view.findings) - _MOST} more findings")
    failure.text = xml_text("\n".join(text), lines=True)


def xml_text(text: str, *, lines: bool = False) -> str:
    r"""Text without what XML cannot hold and without what hides in it.

    Examples
    --------
    >>> xml_text("a\x00b\uffff")
    'a\\x00b\\uffff'
    """
    shown = "\n".join(map(log_line_as_text, text.split("\n"))) if lines else log_line_as_text(text)
    return _NO_XML.sub(lambda found: f"\\u{ord(found[0]):04x}", shown)
