"""Lines that no row takes, many at once: the same as one by one, and each distinct one looked at once."""

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lo2.kernel import kernel_allowed
from lo2.loading.formats.continuations import continues_event
from lo2.loading.lines import kinds
from lo2.loading.lines.index import new_index
from lo2.loading.lines.scan import scan_blocks

LINES = [
    b"2024-05-02 08:00:01,250 INFO up",
    b"",
    b"cart opened",
    b"\tat com.acme.Pay.take(Pay.java:81)",
    b"KeyError: x",
    b"shop.Refused: x",
    b"Traceback (most recent call last):",
    b"})",
    b"a\r",
]


def test_an_exception_of_any_name_ends_the_trace_above_it_and_is_an_event_elsewhere():
    trace = [
        LINES[0],
        b"Traceback (most recent call last):",
        b'  File "pay.py", line 7',
        b"shop.Refused: x",
        LINES[0],
        b"shop.Pay: x",
    ]
    assert flags(trace, headed=True) == [True, False, False, False, True, True]


def flags(lines: list[bytes], *, headed: bool) -> list[bool]:
    """One line after the other, as it was written first."""
    found, after = [], False
    for line in lines:
        event = line.startswith(b"2024-")
        after = not event and continues_event(line.removesuffix(b"\r"), headed=headed, after=after)
        found.append(not after)
    return found


@pytest.mark.parametrize("compiled", [True, False])
@settings(max_examples=60, deadline=None)
@given(lines=st.lists(st.sampled_from(LINES), min_size=1, max_size=300), cut=st.integers(0, 300), headed=st.booleans())
def test_many_lines_at_once_go_on_like_one_by_one(compiled, lines, cut, headed):
    lines = [LINES[0] if headed else LINES[2]] * 600 + [line for line in lines if headed or line != LINES[0]]
    cut += 600
    blocks = [b"".join(line + b"\n" for line in part) for part in (lines[:cut], lines[cut:])]
    with kernel_allowed(compiled):
        read = scan_blocks([block for block in blocks if block], new_index(), profile="tree")
    assert read.header.tolist() == flags(lines, headed=headed)


@pytest.mark.parametrize("line", [b"\n", b"\tx\n", b"a\n", b"KeyError: x\n"])
def test_a_log_of_one_line_again_and_again_is_looked_at_a_few_times(line):
    calls = 0

    def count(frame, event, _):
        nonlocal calls
        calls += event == "call" and frame.f_code is kinds.kind_of_continuation.__code__

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        scan_blocks([line * 20_000] * 3, new_index(), profile="tree")
    finally:
        sys.setprofile(before)
    assert calls < 1_000  # those that a format is learnt from
