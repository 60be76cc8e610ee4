"""Accepted findings: left out, counted, named when they no longer match."""

from datetime import date

import pytest

from lo2.diff.comparison import Comparison
from lo2.diff.finding import Finding
from lo2.diff.ignored import accept_as_ignored, leave_out_ignored, parse_ignored
from lo2.errors import InputError, UsageError
from lo2.features.templates import template_id

DAY = date(2026, 5, 1)


def comparison(*texts: str) -> Comparison:
    head = max(texts, key=len)
    one = Finding(
        "web",
        "new",
        0.9,
        template_id(head),
        "\n".join(texts),
        "never in 1 baseline",
        "web.log",
        3,
        2 + len(texts),
        head=3 + texts.index(head),
        scores=tuple(0.9 if text == head else 0.5 for text in texts),
        masked=texts,
        text="\n".join(texts),
    )
    return Comparison((("good", 9),), (("bad", 9),), (one,))


def test_an_accepted_finding_is_counted_and_not_shown():
    found = comparison("disk is nearly full", "  at x")
    values = accept_as_ignored(None, found, [found.findings[0].template], reason="known", until=None, today=DAY)
    left = leave_out_ignored(found, parse_ignored(values, DAY))
    assert (left.findings, left.ignored, left.unmatched) == ((), 1, ())
    assert values["findings"][0]["text"] == "disk is nearly full\n  at x"


def test_a_new_line_beside_an_accepted_one_is_still_shown():
    found = comparison("disk is nearly full")
    values = accept_as_ignored(None, found, [found.findings[0].template], reason="known", until=None, today=DAY)
    left = leave_out_ignored(comparison("disk is nearly full", "bank refused"), parse_ignored(values, DAY))
    assert [(one.line, one.text, one.template) for one in left.findings] == [
        (4, "bank refused", template_id("bank refused"))
    ]


def test_an_entry_that_matches_nothing_is_named():
    values = accept_as_ignored(
        None, comparison("disk is nearly full"), [template_id("disk is nearly full")], reason="r", until=None, today=DAY
    )
    left = leave_out_ignored(comparison("bank refused"), parse_ignored(values, DAY))
    assert len(left.findings) == 1
    assert left.unmatched[0].startswith(template_id("disk is nearly full"))


def test_an_entry_counts_up_to_its_last_day():
    found = comparison("disk is nearly full")
    values = accept_as_ignored(None, found, [found.findings[0].template], reason="r", until="2026-05-01", today=DAY)
    assert leave_out_ignored(found, parse_ignored(values, DAY)).findings == ()
    after = leave_out_ignored(found, parse_ignored(values, date(2026, 5, 2)))
    assert len(after.findings) == 1
    assert "shown again" in after.notes[0]


def test_adding_needs_a_reason_and_an_id_that_is_there():
    found = comparison("disk is nearly full")
    with pytest.raises(UsageError, match="--reason"):
        accept_as_ignored(None, found, [found.findings[0].template], reason=" ", until=None, today=DAY)
    with pytest.raises(UsageError, match="no finding has the id"):
        accept_as_ignored(None, found, ["00000000"], reason="r", until=None, today=DAY)


@pytest.mark.parametrize(
    "document", [None, [], {"format": 2, "findings": []}, {"format": 1, "findings": [{"id": "a"}]}]
)
def test_what_is_no_ignore_file_is_refused(document: object):
    with pytest.raises(InputError):
        parse_ignored(document, DAY)
