"""The compiled twin of what reads logs of any format, against the arrays that are its oracle."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lo2.kernel import kernel, kernel_allowed
from lo2.loading.formats.headers import HEADERS
from lo2.loading.formats.plain import PLAIN
from lo2.loading.formats.recognition import Use
from lo2.loading.lines.alike import Alike
from lo2.loading.lines.collapse import collapse_digits
from lo2.loading.lines.index import CompiledIndex, Index, Spans
from lo2.loading.lines.ones import put_ones
from lo2.loading.lines.parser import Parser, Uses
from lo2.loading.lines.starts import keyed_lines, spans_of_lines, stamp_places_of_lines
from lo2.loading.times.stamp_values import read_stamps
from lo2.loading.times.stamps import PAD, STAMPS, ZONES

pytestmark = pytest.mark.skipif(kernel() is None, reason="lo2_kernel is not installed")
WORDS = ["req-", "255efb04", "532a", "1e", "e", "-", "--", "0x", "x", ".", "1.5e-07", "0", "12", "123", "20240101", "1234567", "9" * 9, "abcdef", "deadbeef", "z", "_", "(", "'", "#", "@", "$", " ", "\n", "\x00", "\u00e4"]  # fmt: skip
PLACES = ["start", "letter", "priority", "bracket", "key audit(", "word 1", "word 3"]
OPENED = [
    "<131>",
    "[",
    "[(",
    "((((((",
    " ",
    "\t",
    "  ",
    "I",
    "audit(",
    "web-3",
    "\r",
    "\n",
    "\x00",
    "<",
    ">",
    "a b c d",
]
TAILS = ["", " ", "Z", "z", ".1", ".12345678", ",120", ":7", ".123456789012", "+01:00", "-0130", "+1900", " CET", " ESTX", " WEST", " AM", "pm", " PMx", " 2024", "1", "x", "_"]  # fmt: skip
EXAMPLES = [
    (name, text) for name, row in STAMPS.items() for text in (*(row.examples or ()), *(s[:64] for s in row.shapes))
]
LINES = [line for row in (*HEADERS.values(), *PLAIN.values()) for line, *_ in row.examples]
LINES += ['{"time":"2024-03-05T09:07:03Z","level":"info","msg":"up"}', '{"a" : 1, "ts" : 1709629623.120, "msg":"x"}']
LINES += ["ts=2024-03-05T09:07:03Z level=info msg=up", "\tat a.B(C.java:3)", "Caused by: x", "", " "]


def both(call):
    with kernel_allowed(False):
        ours = call()
    return ours, call()


@settings(max_examples=500, deadline=None)
@given(st.one_of(st.lists(st.sampled_from(WORDS), max_size=20).map("".join).map(str.encode), st.binary(max_size=80)))
@example(b"-")
@example(b"g12345678-1234")
@example(b"12345678-abcdefabcg")
def test_digits_are_collapsed_alike(text):
    def call():
        data = bytearray(text)
        collapse_digits(np.frombuffer(data, np.uint8))
        return bytes(data)

    ours, theirs = both(call)
    assert ours == theirs


@settings(max_examples=800, deadline=None)
@given(
    st.sampled_from(EXAMPLES),
    st.lists(st.sampled_from(TAILS), max_size=3),
    st.data(),
    st.integers(0, 3),
    st.booleans(),
)
def test_stamps_are_read_alike(one, tails, data, cut, digits):
    name, shape = one
    text = bytearray(shape.replace("~", "T").replace("bbb", "Mar").replace("www", "Tue").encode())
    for i, letter in enumerate(text):
        if digits and chr(letter) in "YyMDhmsE0123456789":
            text[i] = data.draw(st.sampled_from(b"0011223459 "))
    text += "".join(tails).encode()
    if text and data.draw(st.booleans()):
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))
    begin = data.draw(st.integers(0, min(2, len(text))))
    block = np.frombuffer(bytes(text) + data.draw(st.sampled_from([b"\n", b"0", b"\xff", b"Z"])) * PAD, np.uint8)
    at, limit = np.array([begin, 0]), np.array([max(begin, len(text) - cut), len(text)])
    ours, theirs = both(lambda: read_stamps(block, at, limit, STAMPS[name]))
    assert ours.ok.tolist() == theirs.ok.tolist()
    assert ours.times.tolist() == theirs.times.tolist()
    assert ours.ends.tolist() == theirs.ends.tolist()


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("behind", ["", " ", "x", "1"])
def test_every_zone_is_read_alike(zone, behind):
    text = f"2024-02-29 09:07:03 {zone}{behind}".encode()
    block, at, limit = np.frombuffer(text + bytes(PAD), np.uint8), np.array([0]), np.array([len(text)])
    ours, theirs = both(lambda: read_stamps(block, at, limit, STAMPS["iso"]))
    assert (ours.times.tolist(), ours.ends.tolist()) == (theirs.times.tolist(), theirs.ends.tolist())


def test_every_day_of_four_centuries_is_read_alike():
    days = [f"{y:04}-{m:02}-{d:02} 09:07:03" for y in (0, 1, 1600, 1900, 1972, 2000, 2023, 2024, 9999) for m in range(14) for d in range(33)]  # fmt: skip
    text = "\n".join(days).encode()
    block, at = np.frombuffer(text + bytes(PAD), np.uint8), np.arange(len(days)) * 20
    ours, theirs = both(lambda: read_stamps(block, at, at + 19, STAMPS["iso"]))
    assert ours.ok.tolist() == theirs.ok.tolist()
    assert ours.times.tolist() == theirs.times.tolist()


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(OPENED), max_size=25).map("".join).map(str.encode), st.sampled_from(PLACES))
def test_places_are_found_alike(lines, place):
    text = np.frombuffer(b"\n" + lines + b"\n" + bytes(PAD), np.uint8)
    (starts, ends), theirs = both(lambda: spans_of_lines(text, len(lines) + 2))
    assert (starts.tolist(), ends.tolist()) == tuple(one.tolist() for one in theirs)
    rest = np.arange(0, len(starts), 2)
    ours, theirs = both(lambda: stamp_places_of_lines(place, text, starts, ends, rest))
    assert [one.tolist() for one in ours] == [one.tolist() for one in theirs]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from(['"ts"', "ts=", '"', ":", " ", "\t", "\n", "\r", "{", "}", "x", "\v", "ts"]), max_size=30)
    .map("".join)
    .map(str.encode),
    st.sampled_from(["json", "logfmt"]),
)
def test_keys_are_found_alike(lines, kind):
    data = bytearray(b"\n" + lines + b"\n" + bytes(PAD))
    starts, ends = spans_of_lines(np.frombuffer(data, np.uint8), len(lines) + 2)
    rest = np.flatnonzero(ends > starts)[1:]
    if kind == "json":
        rest = rest[[data[ends[i] - 1] == 125 for i in rest]] if rest.size else rest
    use = Use(kind, kind, "key", "iso", "ts")
    ours, theirs = both(lambda: keyed_lines(use, data, starts, ends, rest))
    assert [one.tolist() for one in ours] == [one.tolist() for one in theirs]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(LINES), min_size=1, max_size=12), st.data())
def test_logs_of_any_format_are_cut_alike(lines, data):
    text = bytearray("\n".join(lines).encode())
    for _ in range(data.draw(st.integers(0, 4))):
        if text:
            text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.sampled_from(b"\x00\xff\r\n\x1e: 0123-[]"))
    block = bytes(text) + b"\n"

    def call():
        step = Parser(Uses(), collapsed=True)
        bodies, flags, times = zip(*(step(one) for one in (block, block)), strict=True)
        return [list(one) for one in bodies], [one.tolist() for one in flags], [one.tolist() for one in times]

    ours, theirs = both(call)
    assert ours == theirs


def test_what_lies_outside_a_text_is_refused_or_no_stamp():
    text, two = np.frombuffer(b"2024-03-05 09:07:03", np.uint8), np.array([0, 50])
    found = kernel().stamps(text, two, two + 19, STAMPS["iso"].shapes, "fraction zone", b"")
    assert list(found[0]) == [1, 0]
    with pytest.raises(ValueError, match="outside"):
        kernel().places("start", text, np.array([0]), np.array([90]), np.array([0]))
    with pytest.raises(ValueError, match="outside"):
        kernel().places("start", text, np.array([0]), np.array([9]), np.array([1]))
    with pytest.raises(ValueError, match="no place"):
        kernel().places("word x", text, np.array([0]), np.array([9]), np.array([0]))
    with pytest.raises(ValueError, match="key is expected"):
        kernel().keyed(True, b"", text, np.array([0]), np.array([9]), np.array([0]))
    with pytest.raises(ValueError, match="too long"):
        kernel().stamps(text, two, two, ("Y" * 65,), "", b"")
    with pytest.raises(ValueError, match="as many limits"):
        kernel().stamps(text, two, two[:1], ("YY",), "", b"")
    for call in (lambda: kernel().collapse(b"1"), lambda: kernel().spans("text", 3)):
        with pytest.raises((TypeError, BufferError)):
            call()


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "http/",
                "HTTP/",
                "/",
                "1",
                "2.",
                "45",
                "x",
                "\n",
                "\xff",
                "UTF-8",
                "UTF-",
                "x86_64",
                "86_64",
                "IPv4",
                "ipv6",
                "v6",
            ]
        ),
        max_size=20,
    ).map("".join)
)
def test_digits_are_blanked_alike(text):
    raw = np.frombuffer(text.encode("latin-1"), np.uint8)
    ours, theirs = both(lambda: put_ones(raw).tobytes())
    assert ours == theirs


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.binary(min_size=1, max_size=9), st.integers(-3, 3)), min_size=1, max_size=20), st.data())
def test_digits_are_put_back_alike(bodies, data):
    spans = Spans.from_bodies([body for body, _ in bodies])
    raw, alike = np.frombuffer(spans.text, np.uint8), Alike(list, "")
    sizes = np.array([min(size, len(body)) for body, size in bodies])
    alike._places = np.array(data.draw(st.lists(st.integers(0, 8), min_size=3, max_size=9)))
    shortest = min([len(body) for body, size in bodies if size > 0], default=9)
    alike._places %= shortest
    firsts = np.array([data.draw(st.integers(0, alike._places.size - max(0, size))) for size in sizes.tolist()])

    def call():
        text = np.zeros_like(raw)
        alike._restore_kept_digits(text, raw, spans.begins, spans.ends, firsts, sizes)
        return text.tobytes()

    ours, theirs = both(call)
    assert ours == theirs


@given(st.lists(st.binary(max_size=9), max_size=20))
def test_bodies_are_laid_out_alike(bodies):
    ours, theirs = Index(), CompiledIndex(kernel())
    for index in (ours, theirs):
        index.number_bodies(bodies)
    one, other = ours.flat_bodies(), theirs.flat_bodies()
    assert (bytes(one.text), one.begins.tolist(), one.ends.tolist()) == (
        bytes(other.text),
        other.begins.tolist(),
        other.ends.tolist(),
    )
    assert list(other) == list(ours)


@pytest.mark.parametrize("wrong", [([0], [9], [0], [0]), ([0], [1], [0], [2]), ([0], [2], [0], [1]), ([-1], [1], [0], [0]), ([0], [1], [0], [0, 0])])  # fmt: skip
def test_places_outside_of_a_body_are_refused(wrong):
    begins, ends, firsts, sizes = (np.array(one, np.int64) for one in wrong)
    with pytest.raises(ValueError, match="outside of its body"):
        kernel().put_back(bytearray(3), b"abc", begins, ends, firsts, sizes, np.array([2], np.int64))
    with pytest.raises(ValueError, match="one length"):
        kernel().ones(bytearray(3), b"ab")
