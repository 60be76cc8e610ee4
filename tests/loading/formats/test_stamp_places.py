"""What is remembered of lines and tried in lots gives what each line and each row would."""

from hypothesis import given, settings
from hypothesis import strategies as st

from lo2.loading.formats import stamp_places
from lo2.loading.formats.choice import choose_header_row
from lo2.loading.formats.headers import HEADERS
from lo2.loading.formats.plain import PLAIN
from lo2.loading.formats.stamp_places import _place_behind_brackets, _stamp_at_place, _stamp_inside_line, find_stamp

LINES = [line.encode() for row in (*HEADERS.values(), *PLAIN.values()) for line, *_ in row.examples]
LINES += [b'10.0.0.7 - - [05/Mar/2024:09:07:03 +0000] "GET / HTTP/1.1" 200', b"a=1 b=2", b"ts=2024-03-05T09:07:03Z a=1"]
CHANGES = st.lists(st.tuples(st.integers(0, 80), st.sampled_from(b"0123456789 :-[]<>x=\"'\x1e")), max_size=4)


def changed(line, changes):
    text = bytearray(line)
    for place, byte in changes:
        if place < len(text):
            text[place] = byte
    return bytes(text)


@settings(max_examples=1500, deadline=None)
@given(st.sampled_from(LINES), CHANGES)
def test_a_line_remembered_by_its_shape_is_found_as_it_would_be_itself(line, changes):
    for one in (line, changed(line, changes)):
        if one[:1] == b"{" or one[:1].isspace():
            continue
        stamp = _stamp_at_place(one, _place_behind_brackets(one, 0))
        assert find_stamp(one) == (("text", "start", stamp, "") if stamp is not None else _stamp_inside_line(one))


def test_a_day_beyond_the_thirties_is_not_taken_for_one_that_was_seen():
    for cached in (stamp_places._stamp_at_line_start, stamp_places._stamp_inside_shape):
        cached.cache_clear()
    assert find_stamp(b"05/Mar/2024:09:07:03 up") == ("text", "start", "clf", "")
    assert find_stamp(b"95/Mar/2024:09:07:03 up") is None
    assert find_stamp(b"web - [05/Mar/2024:09:07:03] up") == ("text", "bracket", "clf", "")
    assert find_stamp(b"web - [95/Mar/2024:09:07:03] up") is None


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from(LINES), min_size=1, max_size=5),
    CHANGES,
    st.sampled_from(sorted({row.place for row in HEADERS.values()})),
    st.sampled_from(["iso", "syslog", "clf", "clock"]),
)
def test_rows_tried_in_lots_are_the_first_that_fits(lines, changes, place, stamp):
    bodies = [changed(line, changes) for line in lines]
    behind = bodies if place == "start" else [body[body.rfind(b"\x1e") + 1 :] for body in bodies]
    fitting = (
        name
        for name, row in HEADERS.items()
        if not (row.stamps and stamp not in row.stamps)
        and row.place in (place, "start")
        and row.fits_lines(bodies if row.place == place else behind)
    )
    assert choose_header_row(bodies, place, stamp) == next(fitting, "time")
