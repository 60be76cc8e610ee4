"""The findings of a diff as a test report (JUnit XML): a test per service, which fails where it has findings."""

import re
from xml.etree import ElementTree as ET

from lo2.diff.comparison import Comparison
from lo2.report.diff_text import TextOptions, finding_lines, headline, plain
from lo2.report.diff_view import ServiceView, services

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MOST = 50


def junit(found: Comparison, *, timestamp: str) -> str:
    """The report; ``timestamp`` is when it was made, to the second.

    Examples
    --------
    >>> empty = Comparison((("good", 1),), (("bad", 1),), (), services=("web",))
    >>> ET.fromstring(junit(empty, timestamp="2026-01-01T00:00:00")).find("testsuite").get("tests")
    '1'
    """
    root = ET.Element("testsuites")
    views = services(found)
    for number, (path, _) in enumerate(found.targets):
        mine = [view for view in views if view.target == number]
        facts = {
            "package": "lo2.diff",
            "id": str(number),
            "name": xml_text(f"lo2 diff {path}"),
            "timestamp": timestamp,
            "hostname": "localhost",
            "tests": str(len(mine)),
            "failures": str(sum(bool(view.findings) for view in mine)),
            "errors": "0",
            "time": "0",
        }
        suite = ET.SubElement(root, "testsuite", facts)
        ET.SubElement(suite, "properties")
        for view in mine:
            _case(suite, view, found, path)
        ET.SubElement(suite, "system-out").text = xml_text(headline(found))
        ET.SubElement(suite, "system-err")
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _case(suite: ET.Element, view: ServiceView, found: Comparison, path: str) -> None:
    case = ET.SubElement(suite, "testcase", {"classname": xml_text(path), "name": xml_text(view.name), "time": "0"})
    if not view.findings:
        return
    worst = max(view.findings, key=lambda one: one.score)
    kinds = ", ".join(f"{n} {kind}" for kind, n in view.kinds)
    message = xml_text(
        f"{kinds}; highest: {(worst.text or worst.reason).splitlines()[0] if worst.text else worst.reason}"
    )
    failure = ET.SubElement(case, "failure", {"message": message[:400], "type": worst.kind})
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
    shown = "\n".join(map(plain, text.split("\n"))) if lines else plain(text)
    return _NO_XML.sub(lambda found: f"\\u{ord(found[0]):04x}", shown)
