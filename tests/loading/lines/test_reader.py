"""The fast reader of logs of any format against its slow twin, on random logs."""

import json
import random
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lo2.canonical import mask_canonical
from lo2.loading.formats.envelopes import ENVELOPES
from lo2.loading.formats.headers import HEADERS
from lo2.loading.formats.plain import PLAIN
from lo2.loading.formats.user_formats import NAMES, given_format
from lo2.loading.lines.collapse import collapse_digits
from lo2.loading.lines.index import Index
from lo2.loading.lines.scan import scan_blocks
from lo2.loading.times.dates import complete_dates as dated
from lo2.loading.times.stamps import CLOCK, NO_TIME, YEARLESS
from lo2.masking.profiles import profile_masking
from naive_reader import complete, read_log

OWN_LOGS = Path(__file__).parents[4] / "shared" / "own-logs" / "loghub"
WORTH = {"real": 0, "year": YEARLESS, "date": CLOCK}
LEVELS = ["INFO", "WARN", "ERROR", "DEBUG"]
WORDS = [
    "cart",
    "opened",
    "order=71",
    "refused:",
    "10.0.0.9",
    "status=502",
    "(7)",
    "x|y",
    "at",
    "[9f3c]",
    '"q"',
    "é",
    "-",
]
MADE = {
    "level name dash": lambda t, level, text: (
        f"{t:%Y-%m-%d %H:%M:%S},{t.microsecond // 1000:03d} {level} a.b.C - {text}"
    ),
    "syslog": lambda t, level, text: f"{t:%b} {t.day:2d} {t:%H:%M:%S} web-3 shop[71]: {text}",
    "thread level logger": lambda t, level, text: (
        f"{t:%H:%M:%S}.{t.microsecond // 1000:03d} [main-1] {level} c.e.App - {text}"
    ),
    "access": lambda t, level, text: f'10.0.0.9 - kim [{t:%d/%b/%Y:%H:%M:%S} +0200] "GET /{text} HTTP/1.1" 500 12',
    "glog": lambda t, level, text: f"{level[0]}{t:%m%d %H:%M:%S}.{t.microsecond:06d}  41 pay.cc:41] {text}",
    "apache error": lambda t, level, text: f"[{t:%a %b %d %H:%M:%S %Y}] [{level.lower()}] {text}",
    "epoch": lambda t, level, text: f"{t.timestamp():.3f} {level} {text}",
    "american": lambda t, level, text: f"{t.month}/{t.day}/{t:%Y} {t.hour % 12 or 12}:{t:%M:%S %p} {text}",
    "json": lambda t, level, text: json.dumps({"level": level, "time": t.isoformat(), "msg": text, "order": {"id": 7}}),
    "json epoch": lambda t, level, text: json.dumps({"lvl": 50, "ts": int(t.timestamp() * 1000), "message": text}),
    "logfmt": lambda t, level, text: (
        f"time={t:%Y-%m-%dT%H:%M:%S}Z level={level.lower()} msg={json.dumps(text)} took=3s"
    ),
    "postgres": lambda t, level, text: f"{t:%Y-%m-%d %H:%M:%S}.120 UTC [71] {level.replace('WARN', 'DETAIL')}:  {text}",
    "redis": lambda t, level, text: f"71:M {t:%d %b %Y %H:%M:%S}.120 # {text}",
    "priority": lambda t, level, text: f"<131>{t:%b} {t.day:2d} {t:%H:%M:%S} web-3 shop[71]: {text}",
    "hpc": lambda t, level, text: f"71 node-24 unix.hw {int(t.timestamp())} 1 {text}",
    "zoned": lambda t, level, text: f"{t:%Y-%m-%d %H:%M:%S} XYZT {level} a.B - {text}",
    "label": lambda t, level, text: f"Log ended: {t:%Y-%m-%d}  {t:%H:%M:%S}",
    "audit": lambda t, level, text: f"type=CALL msg=audit({int(t.timestamp())}.120:71): {text}",
    "cells": lambda t, level, text: f'71,"{level}", "{t:%Y-%m-%dT%H:%M:%S}Z","{text}"',
    "bars": lambda t, level, text: f"{level} |web|{t:%Y-%m-%d %H:%M:%S}| {text}",
    "clock": lambda t, level, text: f"{t:%H:%M:%S} {level} {text}",
    "plain": lambda t, level, text: text,
    "level first": lambda t, level, text: f"{level} {text}",
}
EXAMPLES = [line for table in (HEADERS, PLAIN) for row in table.values() for line, *_ in row.examples]
CONTINUED = [
    "",
    "\tat a.B.c(B.java:1)",
    "Caused by: x.YException: no",
    "Traceback (most recent call last):",
    '  File "a.py", line 3',
    "ValueError: no",
    "goroutine 7 [running]:",
    "}",
    "{",
    "   ",
    "... 7 more",
    "-----",
    "|",
    "DETAIL:  key",
]


def texts():
    return st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(" ".join)


@st.composite
def logs(draw, most: int = 40) -> list[str]:
    """Lines of one log: mostly of one format, times that mostly go forward, continuation lines, lines of other formats."""
    kinds = draw(st.lists(st.sampled_from(list(MADE)), min_size=1, max_size=3))
    now = draw(st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)))
    lines = []
    for _ in range(draw(st.integers(1, most))):
        kind = draw(st.sampled_from([*kinds[:1] * 6, *kinds, "continued", "example", "other"]))
        now += timedelta(milliseconds=draw(st.sampled_from([0, 1, 999, 60_000, 40_000_000, -5])))
        if kind == "continued":
            lines.append(draw(st.sampled_from(CONTINUED)))
        elif kind == "example":
            lines.append(draw(st.sampled_from(EXAMPLES)))
        elif kind == "other":
            lines.append(draw(st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=20)))
        else:
            lines.append(MADE[kind](now, draw(st.sampled_from(LEVELS)), draw(texts())))
    return lines


def read(data: bytes | list[bytes], **options):
    """Canonical text of every line, flags, times of events, and the scan."""
    index = Index()
    found = scan_blocks([data] if isinstance(data, bytes) else data, index, profile="tree", **options)
    bodies = [index.uses.canonical_body(body) for body in index]
    return [bodies[code] for code in found.codes], found.header.tolist(), found.times.tolist(), found


def slow(lines: list[bytes], form):
    found = read_log(lines, form)
    times = [NO_TIME if moment is None else moment[1] + WORTH[moment[0]] for event, _, moment in found if event]
    return [text for _, text, _ in found], [event for event, _, _ in found], times


@settings(max_examples=200, deadline=None)
@example(["2000-01-01 00:00:00,000 INFO a.b.C - cart", "\x1b@"], "\n")
@example(["\x1b[31m2000-01-01 00:00:00,000 INFO a.b.C - cart\x1b[0m", "\x1b]0;title\x07", "\x1b[", "\x1b]x"], "\n")
@given(logs(), st.sampled_from(["\n", "\r\n"]))
def test_fast_and_slow_reader_agree_on_logs_of_any_formats(lines, feed):
    data = "".join(line + feed for line in lines).encode()
    *fast, found = read(data)
    assert tuple(fast) == slow(data.split(b"\n")[:-1], found.format)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(EXAMPLES), min_size=1, max_size=30))
def test_fast_and_slow_reader_agree_on_mixed_examples(lines):
    data = "".join(line + "\n" for line in lines).encode()
    *fast, found = read(data)
    assert tuple(fast) == slow(data.split(b"\n")[:-1], found.format)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
@example(b'{"time":' + b"[" * 50_000 + b"}")
@example(b"{" * 3000)
@example(b"2024-03-05 09:07:03")
@example(b"\xef\xbb\xbf")
@example(b'{"level":9' + b"9" * 400 + b"}")
@example(b'{"level":1e999,"time":NaN}')
@example(b'{"level":' + b"9" * 5000 + b"}")
@example(b"level=\xb2 msg=x")
def test_random_bytes_never_raise_and_lose_no_line(data):
    text, header, times, found = read(data + b"\n")
    assert len(text) == len(header) == data.count(b"\n") + 1
    assert len(times) == sum(header)
    if b"\x1b" not in data and b"{\n" not in data:
        assert (text, header, times) == slow(data.split(b"\n"), found.format)


@settings(max_examples=100, deadline=None)
@given(logs(), st.lists(st.integers(0, 40), max_size=6))
def test_where_blocks_are_cut_changes_nothing(lines, cuts):
    lines = [line.encode() + b"\n" for line in lines]
    places = sorted({0, len(lines), *(cut for cut in cuts if cut < len(lines))})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lo2.loading.lines.scan.LEARNT", 200)
        patch.setattr("lo2.loading.lines.parser.LEARNT", 200)
        whole, cut = read(b"".join(lines)), read([b"".join(lines[a:b]) for a, b in pairwise(places)])
    assert cut[:3] == whole[:3]
    assert cut[3].format == whole[3].format


PARTS = [
    *(f"2024-05-02T08:00:01.500000001Z stdout {part} {text}" for part in "PF" for text in ("INFO up", "and on", "\tat a.B.c(B.java:1)", "")),
    *(json.dumps({"log": text, "stream": "stdout", "time": "2024-05-02T08:00:01Z"}) for text in ("INFO up", "and on\n", "\tat a.B\n")),
]  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(PARTS), min_size=1, max_size=12), st.lists(st.integers(0, 20), max_size=6))
def test_lines_written_in_parts_are_joined_wherever_blocks_are_cut(lines, cuts):
    first = [line for line in lines if line[0] == lines[0][0]] * 2
    lines = [line.encode() + b"\n" for line in first]
    places = sorted({0, len(lines), *(cut for cut in cuts if cut < len(lines))})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lo2.loading.lines.scan.LEARNT", 60)
        patch.setattr("lo2.loading.lines.parser.LEARNT", 60)
        assert read([b"".join(lines[a:b]) for a, b in pairwise(places)])[:3] == read(b"".join(lines))[:3]


def test_objects_spread_over_lines_are_joined_wherever_blocks_are_cut():
    lines = [
        line + b"\n"
        for line in json.dumps(
            {"level": "warn", "time": "2024-05-02T08:00:01Z", "msg": "slow", "at": {"n": 1}}, indent=2
        )
        .encode()
        .split(b"\n")
    ] * 3
    with pytest.MonkeyPatch.context() as patch:
        size = len(b"".join(lines)) // 3
        patch.setattr("lo2.loading.lines.scan.LEARNT", size)
        patch.setattr("lo2.loading.lines.parser.LEARNT", size)
        whole = read(b"".join(lines))
        assert whole[0][0] == b"WARN\x1f\x1fslow at.n=1"
        for at in range(1, len(lines)):
            assert read([b"".join(lines[:at]), b"".join(lines[at:])])[:3] == whole[:3]


def test_numbers_of_json_stay_numbers_when_digits_are_collapsed():
    data = b'{"level":"warn","ts":1709629623120,"msg":"slow","took":9.5367431640625e-07,"id":-1234567890,"big":1.2345678e+21}\n'
    plain, short = read(data), read(data, shapes=True)
    assert short[0][0].startswith(b"WARN\x1f\x1fslow took=")
    assert (
        mask_canonical(pl.Series([short[0][0].decode()]), MASKS).to_list()
        == mask_canonical(pl.Series([plain[0][0].decode()]), MASKS).to_list()
    )


def test_a_stack_trace_goes_on_in_the_next_block_of_a_log_without_headers():
    lines = [
        line.encode() + b"\n"
        for line in ["up and well", *["cart opened"] * 3, '  File "a.py", line 3', "ValueError: no", "closed"]
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lo2.loading.lines.scan.LEARNT", 8)
        patch.setattr("lo2.loading.lines.parser.LEARNT", 8)
        whole = read(b"".join(lines))
        assert whole[1] == [True] * 4 + [False, False, True]
        for at in range(1, len(lines)):
            assert read([b"".join(lines[:at]), b"".join(lines[at:])])[:3] == whole[:3]


HALVES = [
    [
        "Mar 05, 2024 9:07:03 AM org.acme.Pay charge",
        "SEVERE: refused",
        "java.io.IOException: no",
        "\tat a.B.c(B.java:1)",
    ],
    [
        "Mar 05, 2024 9:07:03\u202fAM org.acme.Pay <init>",
        "SEVERE: refused",
        "java.io.IOException: no",
        "\tat a.B.c(B.java:1)",
    ],
]


@pytest.mark.parametrize("lines", HALVES)
def test_a_header_on_a_line_of_its_own_belongs_to_the_line_behind_it(lines):
    data = [(line + "\n").encode() for line in lines * 5]
    text, header, times, _ = read(b"".join(data))
    assert header == [True, False, False, False] * 5
    assert text[0] == b"ERROR\x1forg.acme.Pay\x1frefused"
    assert set(times) == {1709629623000}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lo2.loading.lines.scan.LEARNT", 60)
        patch.setattr("lo2.loading.lines.parser.LEARNT", 60)
        for at in range(2, len(data)):
            assert read([b"".join(data[:at]), b"".join(data[at:])])[:3] == (text, header, times)


def test_a_stamp_on_a_line_of_its_own_is_the_time_of_the_line_behind_it():
    text, header, times, _ = read(b"2024-03-05T09:07:03.120456+00:00\nORA-00600: internal error code\n" * 4)
    assert header == [True, False] * 4
    assert text[0] == b"\x1f\x1fORA-00600: internal error code"
    assert set(times) == {1709629623120}


@pytest.mark.parametrize(
    "more",
    [
        [
            "Traceback (most recent call last):",
            '  File "a.py", line 3, in f',
            "ValueError: no",
            "",
            "During handling of the above exception, another exception occurred:",
        ],
        ["TypeError: x is null", "    at f (/a/b.js:1:2)"],
        ["goroutine 1 [running]:", "main.main()", "\t/a/b.go:12 +0x1d", "exit status 2"],
        ["   at Shop.Pay.Charge() in /src/Pay.cs:line 41", "   --- End of inner exception stack trace ---"],
        ["Caused by: java.io.IOException: no", "\t... 7 more"],
        ["+----+", "| id |", "+----+"],
        ["  <a/>", "</xml>"],
    ],
)
def test_what_looks_like_a_continuation_stays_with_its_event(more):
    event = "2024-03-05 09:07:03,120 ERROR a.B - refused"
    data = "".join(line + "\n" for line in [event, *more, event])
    assert read(data.encode())[1] == [True, *[False] * len(more), True]


def test_a_zone_that_nobody_knows_is_counted_and_no_part_of_the_message():
    lines = [f"2024-05-02 08:00:0{i} XYZT ERROR a.B - up" for i in range(5)]
    texts, _, times, found = read("".join(f"{line}\n" for line in lines).encode())
    assert found.zones == {"XYZT": 5}
    assert set(texts) == {b"ERROR\x1fa.B\x1fup"}
    assert times[1] - times[0] == 1000
    for other in ("CET", "GET", "INFO", "+0100 AUDIT"):
        assert not read(b"".join(f"2024-05-02 08:00:0{i} {other} x\n".encode() for i in range(5)))[3].zones


def test_lines_that_say_when_something_began_give_the_times_of_a_log_without_stamps():
    block = ["Log started: 2024-05-02  08:00:01", *["Setting up x ..."] * 30, "Log ended: 2024-05-02  08:00:09", ""]
    texts, flags, times, _ = read("".join(f"{line}\n" for line in block * 2).encode())
    known = [time for time in times if time != NO_TIME]
    assert len(known) == 4
    assert known[1] - known[0] == 8000
    assert (texts[0], flags[0]) == (b"\x1f\x1fLog started:", True)
    other = ["valid until: 2024-05-02  08:00:01", *["Setting up x ..."] * 30]
    assert set(read("".join(f"{line}\n" for line in other).encode())[2]) == {NO_TIME}


def test_colours_that_begin_late_are_taken_off():
    line = "2024-05-02 08:00:00,000 INFO a.B - up\n"
    assert set(read((line * 1200 + f"\x1b[31m{line[:-1]}\x1b[0m\n").encode())[0]) == {b"INFO\x1fa.B\x1fup"}


def docker(line: str, when: str) -> str:
    return json.dumps({"log": line + "\n", "stream": "stdout", "time": when})


WRAPPED = {
    "container json": docker,
    "cri": lambda line, when: f"{when} stdout F {line}",
    "time stamps": lambda line, when: f"{when} {line}",
    "compose": lambda line, when: f"web-1  | {line}",
    "kubectl": lambda line, when: f"[pod/web-7d9c6b5f4d-x2x8q/app] {line}",
    "stern": lambda line, when: f"web-7d9c6b5f4d-x2x8q app {line}",
    "colours": lambda line, when: f"\x1b[32m{line}\x1b[0m",
}


@settings(max_examples=150, deadline=None)
@given(logs(20), st.sampled_from(list(WRAPPED)))
def test_a_wrapped_log_reads_like_the_log_itself(lines, name):
    lines = [" ".join(line.split()) if not line.isprintable() else line for line in lines]
    when = "2024-05-02T08:00:01.500000001Z"
    bare = "".join(line + "\n" for line in lines).encode()
    text, header, times, found = read("".join(WRAPPED[name](line, when) + "\n" for line in lines).encode())
    expected = slow(bare.split(b"\n")[:-1], found.format)
    assert (text, header) == expected[:2]
    outer = 1714636801500 if name in ("container json", "cri", "time stamps") else NO_TIME
    assert times == [outer if t < CLOCK // 2 and outer != NO_TIME else t for t in expected[2]]


def test_every_envelope_is_wrapped_in_a_test():
    assert set(WRAPPED) - {"colours"} == set(ENVELOPES) - {"journal"}


def journal(line: str, when: str = "Mar  5 09:07:03") -> str:
    return f"{when} web-3 java[4711]: {line}"


def test_what_one_program_writes_behind_a_collectors_header_is_read_by_its_own():
    lines = [f"2024-05-02 08:00:0{i},000 ERROR a.B - refused" for i in range(5)]
    text, _, times, found = read("\n".join(map(journal, lines)).encode() + b"\n")
    assert set(text) == {b"ERROR\x1fa.B\x1frefused"}
    assert found.format.name == "level name dash (iso)"
    assert np.diff(times).tolist() == [1000] * 4


def test_json_behind_a_collectors_header_has_the_collectors_time():
    lines = [journal('{"level":"warn","msg":"slow"}', f"2024-05-02T08:00:0{i}+00:00") for i in range(5)]
    text, _, times, _ = read("\n".join(lines).encode() + b"\n")
    assert set(text) == {b"WARN\x1f\x1fslow"}
    assert times[0] == 1714636800000
    assert np.diff(times).tolist() == [1000] * 4


def test_a_syslog_of_several_programs_keeps_their_names():
    lines = [journal("2024-05-02 08:00:00 INFO up").replace("java", name) for name in ("shop", "pay") * 5]
    assert {line.split(b"\x1f")[1] for line in read("\n".join(lines).encode() + b"\n")[0]} == {b"shop", b"pay"}


def test_a_level_in_a_pair_behind_the_name_of_a_program_is_read():
    lines = [
        journal("listening"),
        journal('time="2024-03-05T09:07:03Z" level=error msg="gone"').replace("java", "dockerd"),
    ]
    text = read("\n".join(lines * 5).encode() + b"\n")[0]
    assert set(text) == {b"\x1fjava\x1flistening", b'ERROR\x1fdockerd\x1fmsg="gone"'}


def test_what_stands_before_a_time_that_ends_the_line_is_the_message():
    data = b"".join(b"cart %d opened at 2024-05-02 08:00:0%d\n" % (i, i) for i in range(5))
    text, _, times, _ = read(data)
    assert text[0].endswith(b"\x1fcart 0 opened at")
    assert np.diff(times).tolist() == [1000] * 4


def test_a_time_in_a_later_cell_is_read_and_levels_before_a_bar_are_no_services():
    """Tables that people export: the level may stand before the time, cells may be quoted."""
    for line, level, message in (
        ("WARN,2024-03-05 09:07:03,refused", "WARN", "refused"),
        ('7,"2024-03-05 09:07:03","ERROR","refused"', "ERROR", '"refused"'),
        ("INFO;05.03.2024 09:07:03;refused", "INFO", "refused"),
        ("INFO | shop | 2024-03-05 09:07:03 | refused", "INFO", "refused"),
    ):
        text, _, times, _ = read("\n".join([line] * 20).encode() + b"\n")
        assert set(times) == {1709629623000}, line
        assert set(text) == {f"{level}\x1f{'shop' * ('|' in line)}\x1f{message}".encode()}, line


def test_envelopes_inside_each_other_are_opened():
    lines = [docker(f"web-1  | 2024-05-02 08:00:0{i},000 INFO a.B - up", "2024-05-02T09:00:00Z") for i in range(5)]
    text, _, times, found = read("\n".join(lines).encode() + b"\n")
    assert set(text) == {b"INFO\x1fa.B\x1fup"}
    assert np.diff(times).tolist() == [1000] * 4
    assert found.services == ("web-1",)


def test_a_stack_trace_wrapped_line_by_line_is_one_event():
    trace = [
        "2024-05-02 08:00:00,000 ERROR a.B - refused",
        "java.io.IOException: no",
        "\tat a.B.c(B.java:1)",
        "Caused by: x",
    ]
    for wrap in (*WRAPPED.values(), lambda line, when: journal(line)):
        data = "".join(wrap(line, "2024-05-02T08:00:01.500000001Z") + "\n" for line in trace * 3).encode()
        assert read(data)[1] == [True, False, False, False] * 3


RUNS = st.lists(
    st.sampled_from(["0", "12", "4711", "404", "50312", 'HTTP/1.1" ', "errno ", "code: ", "SQLSTATE ", "123456", "1234567", "20240502", "99999999999", "a1b2", "deadbeef", "9f3c2d1e", "beef", "g", "Z", "_", "-", "--", ".", ",", ":", "=", "/", "(", "'", '"', "#", "@", "[", "]", "<", "%", "+", "\\", "é", " ", "  ", "req-", "ERR", "ORA-", "exit code ", "status=", "x", "0x", "\r"]),
    max_size=14,
).map("".join)  # fmt: skip
MASKS = profile_masking("tree")


def collapsed(text: str) -> str:
    data = bytearray(b"\n" + text.encode() + b"\n")
    collapse_digits(np.frombuffer(data, np.uint8))
    return bytes(data[1:-1]).decode()


@settings(max_examples=600, deadline=None)
@given(RUNS)
@example("1234567exit code ")
@example("status '404' of (502)")
@example('exit code="137" errno 111 ORA-00600 MY-010055 AH00124')
@example('HTTP/1.1" 502 50312')
@example("a1b24711@50312#")
@example("a1b24711.C$9@50312#")
def test_masks_hide_collapsed_text_like_the_text_itself(text):
    assert MASKS.mask_text(collapsed(text)) == MASKS.mask_text(text)


@settings(max_examples=150, deadline=None)
@given(st.lists(RUNS.map(lambda text: text.replace("\r", "")), min_size=1, max_size=8), st.sampled_from(list(MADE)))
def test_collapsed_logs_have_the_same_masked_messages_flags_and_times(texts, kind):
    when = datetime(2024, 12, 5, 8, 7, 6, 120_000, UTC)
    data = "".join(MADE[kind](when, "WARN", text) + "\n" for text in texts).encode()
    plain, short = read(data), read(data, shapes=True)
    assert short[1:3] == plain[1:3]
    hidden = [
        mask_canonical(pl.Series([line.decode("utf-8", "replace") for line in one[0]]), MASKS).to_list()
        for one in (plain, short)
    ]
    assert hidden[0] == hidden[1]


@pytest.mark.skipif(not OWN_LOGS.is_dir(), reason="no logs of others here")
def test_collapsed_lines_of_real_logs_are_masked_like_the_lines_themselves():
    for file in sorted(OWN_LOGS.glob("*/*_2k.log")):
        data = file.read_bytes().replace(b"\r", b"")
        plain, short = read(data), read(data, shapes=True)
        assert short[1:3] == plain[1:3]
        hidden = [
            mask_canonical(pl.Series([line.decode("utf-8", "replace") for line in one[0]]), MASKS).to_list()
            for one in (plain, short)
        ]
        assert hidden[0] == hidden[1], file.name


@pytest.mark.skipif(not OWN_LOGS.is_dir(), reason="no logs of others here")
def test_fast_and_slow_reader_agree_on_real_logs():
    for file in sorted(OWN_LOGS.glob("*/*_2k.log")):
        data = file.read_bytes().removesuffix(b"\n") + b"\n"
        *fast, found = read(data)
        assert tuple(fast) == slow(data.split(b"\n")[:-1], found.format), file.name


def test_a_format_that_the_user_names_never_raises_on_lines_of_others():
    data = "".join(line + "\n" for line in EXAMPLES).encode()
    for name in NAMES:
        assert len(read(data, given=given_format("web", [name]))[1]) == len(EXAMPLES)


MOMENTS = st.lists(
    st.tuples(st.sampled_from(["year", "date", "real"]), st.integers(0, 365 * 86_400_000 - 1)), max_size=12
)


@settings(max_examples=300, deadline=None)
@given(MOMENTS, st.integers(1990, 2080))
def test_missing_years_and_days_are_filled_like_by_the_slow_reader(moments, year):
    moments = [(kind, value % 86_400_000 if kind == "date" else value) for kind, value in moments]
    times = np.array([value + WORTH[kind] for kind, value in moments], np.int64)
    found = dated(times, run=f"nightly-{year}-01-01", modified_ms=None)
    assert found.times.tolist() == complete(moments, year, date(year, 1, 1))


def test_ten_thousand_lines_in_any_order_are_read_the_same_twice():
    rng = random.Random(7)
    lines = [rng.choice(EXAMPLES) for _ in range(10_000)]
    data = "".join(line + "\n" for line in lines).encode()
    assert read(data)[:3] == read(data)[:3]
