"""The tables of formats: each row's examples are its test."""

import re
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lo2.levels import LETTERS, LEVELS, LOGBACK, NAME, NUMBERS, WORD, WORDS, level_of
from lo2.loading.formats import choice, envelopes, recognition
from lo2.loading.formats.envelopes import ENVELOPES, Peeler
from lo2.loading.formats.header import Header
from lo2.loading.formats.headers import HEADERS
from lo2.loading.formats.plain import PLAIN
from lo2.loading.formats.user_formats import given_format
from lo2.loading.lines.index import Index
from lo2.loading.lines.scan import scan_blocks
from lo2.loading.times.stamp_values import read_stamps
from lo2.loading.times.stamps import CLOCK, PAD, STAMPS, YEARLESS, ZONES
from naive_reader import MONTHS, naive_stamp

ISO = re.compile(r"(?:(\d{4})-)?(?:(\d\d)-(\d\d))?T(\d\d):(\d\d):(\d\d)(?:\.(\d{3}))?")
STAMP_EXAMPLES = [(name, *one) for name, row in STAMPS.items() for one in row.examples.items()]
HEADER_EXAMPLES = [(name, *one) for table in (HEADERS, PLAIN) for name, row in table.items() for one in row.examples]
ENVELOPE_EXAMPLES = [(name, *one) for name, row in ENVELOPES.items() for one in row.examples]


SAID = {"plain": "no header known"}


def moment(iso: str) -> int:
    """What ``read_stamps`` says for the time that an example names."""
    year, month, day, *clock, fraction = ISO.fullmatch(iso).groups()
    hour, minute, second = map(int, clock)
    if month is None:
        return CLOCK + ((hour * 60 + minute) * 60 + second) * 1000 + int(fraction or 0)
    then = datetime(int(year or 1972), int(month), int(day), hour, minute, second, int(fraction or 0) * 1000, UTC)
    ms = round((then - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000)
    return ms if year else ms - 2 * 365 * 86_400_000 + YEARLESS


def value(moment: tuple[str, int]) -> int:
    """The same as the fast reader writes it."""
    return moment[1] + {"real": 0, "year": YEARLESS, "date": CLOCK}[moment[0]]


def read_one(text: str, name: str) -> tuple[bool, int, int]:
    data = text.encode()
    found = read_stamps(np.frombuffer(data + bytes(PAD), np.uint8), np.array([0]), np.array([len(data)]), STAMPS[name])
    return bool(found.ok[0]), int(found.times[0]), int(found.ends[0])


def read_line(line: str) -> tuple[str, str, str, str, bool]:
    """Format, level, logger and message of one line through the whole reader, and whether a time was read."""
    index = Index()
    found = scan_blocks([line.encode() + b"\n"], index, profile="tree")
    level, logger, message = index.uses.canonical_body(next(iter(index))).decode().split("\x1f")
    return found.format.name, level, logger, message, bool((found.times > YEARLESS * 2).all())


@pytest.mark.parametrize(("name", "text", "iso"), STAMP_EXAMPLES)
def test_examples_of_stamps_are_read_to_their_end(name, text, iso):
    assert read_one(text, name) == (True, moment(iso), len(text))


@pytest.mark.parametrize(("name", "text", "iso"), STAMP_EXAMPLES)
def test_examples_of_stamps_are_found_by_their_shape(name, text, iso):
    assert re.fullmatch(STAMPS[name].whole_stamp, text)


@pytest.mark.parametrize(("name", "text", "iso"), STAMP_EXAMPLES)
def test_a_stamp_that_runs_on_as_a_number_is_none(name, text, iso):
    if text[-1].isdigit() and "fraction" not in STAMPS[name].tail:
        assert not read_one(text + "7", name)[0]


@pytest.mark.parametrize(("name", "line", "level", "logger", "message"), HEADER_EXAMPLES)
def test_examples_of_headers_are_read_by_their_row(name, line, level, logger, message):
    chosen, *found, timed = read_line(line)
    assert (chosen.partition(" (")[0], *found) == (SAID.get(name, name), level, logger, message)
    assert timed == (name in HEADERS)


@pytest.mark.parametrize(("name", "line", "level", "logger", "message"), HEADER_EXAMPLES)
def test_a_long_log_reads_like_a_short_one(name, line, level, logger, message):
    index = Index()
    found = scan_blocks([f"{line}\n".encode() * 40], index, profile="tree")
    assert (found.header.all(), found.format.name.partition(" (")[0]) == (True, SAID.get(name, name))
    assert [index.uses.canonical_body(body).decode().split("\x1f") for body in index] == [[level, logger, message]]


@pytest.mark.parametrize(("name", "line", "level", "logger", "message"), HEADER_EXAMPLES)
def test_a_format_that_the_user_names_is_the_row_of_that_name(name, line, level, logger, message):
    index = Index()
    scan_blocks([line.encode() + b"\n"], index, profile="tree", given=given_format("web", [f"web={name}"]))
    assert index.uses.canonical_body(next(iter(index))).decode().split("\x1f") == [level, logger, message]


@pytest.mark.parametrize(("name", "line", "inside"), ENVELOPE_EXAMPLES)
def test_examples_of_envelopes_open(name, line, inside):
    assert ENVELOPES[name].open(line.encode()).text == inside.encode()


@pytest.mark.parametrize(("name", "line", "inside"), ENVELOPE_EXAMPLES)
def test_the_envelope_of_a_log_is_found_and_its_content_read_again(name, line, inside):
    peeler = Peeler.learn_envelopes([line.encode()] * 10)
    assert name in peeler.names
    assert peeler.peel_envelopes((line + "\n").encode() * 10)[0].splitlines() == [inside.encode()] * 10


def test_a_level_word_is_found_in_three_ways_of_writing_and_not_inside_of_another_word():
    for word in WORDS:
        for way in (word, word.capitalize(), word.lower()):
            assert re.match(WORD, f"{way}: x")["level"] == way
            assert re.match(WORD, f"{way}x") is None
    for other in ("Information2", "dEBUG", "x", "", "7"):
        assert re.match(WORD, other) is None


def test_levels_that_other_rooms_name_are_those_of_the_table():
    assert set(LOGBACK.split("|")) <= set(LEVELS)
    assert set(NAME.removeprefix("(?i:").removesuffix(")").split("|")) <= set(WORDS)


def test_level_words_mean_one_level_each():
    spelt = [word for name, row in LEVELS.items() for word in (name, *row.words)]
    assert len(spelt) == len(set(spelt)) == len(WORDS)
    for name, row in LEVELS.items():
        written = (name, *row.words, *row.letters, *row.numbers)
        assert {level_of(one) for one in written} == {name}
        assert {level_of(str(one).lower()) for one in written} == {name}
    assert len(LETTERS) == sum(len(row.letters) for row in LEVELS.values())
    assert len(NUMBERS) == sum(len(row.numbers) for row in LEVELS.values())
    assert {level_of(one) for one in ("user", "", None, True, 8, 45, "X")} == {""}


@st.composite
def stamps(draw) -> tuple[str, str]:
    """Name of a stamp and a text of its shape, whose fields may be out of range, with a tail and what follows it."""
    name = draw(st.sampled_from(list(STAMPS)))
    shape = draw(st.sampled_from(STAMPS[name].shapes))
    digits = st.integers(0, 9).map(str)
    tame = draw(st.booleans())
    text = ""
    for part in re.findall("bbb|www|YYYY|yy|MM|DD|hh|mm|ss|.", shape):
        if part == "bbb":
            text += draw(st.sampled_from(MONTHS))
        elif part == "www":
            text += draw(st.sampled_from(["Mon", "Sat"]))
        elif part in ("MM", "DD", "hh", "mm", "ss", "yy") and tame:
            low, high = {"MM": (1, 12), "DD": (1, 31), "hh": (0, 23), "yy": (0, 99)}.get(part, (0, 59))
            text += f"{draw(st.integers(low, high)):02d}"
        elif part == "YYYY":
            text += str(draw(st.integers(1900, 2199)))
        elif part == "~":
            text += draw(st.sampled_from("T \t_"))
        elif part == "E" and text == "":
            text += "1"
        else:
            text += "".join(draw(digits) for _ in part) if part[0] in "YyMDhmsE" else part
    tail = draw(st.sampled_from(["", ".120", ",120", ".1", ":606", ".123456789", ",1", ".", ".1x"]))
    tail += draw(st.sampled_from(["", " AM", "pm", " XM"])) + draw(
        st.sampled_from(["", "Z", "+01:00", "-0530", " +0200", " CET", " CETX", "+1", " EEST", " UTC", "+19:00", "+01"])
    )
    return name, text + tail + draw(st.sampled_from(["", " 2024", " 20245", " up", "]", "9", "x", ": up", "\xe9"]))


@settings(max_examples=600, deadline=None)
@given(stamps())
@example(("clock", "9:07:03 PM"))
@example(("half clock", "9:07AM"))
def test_what_the_shape_finds_is_what_the_reader_reads(pair):
    name, text = pair
    ok, time, end = read_one(text, name)
    slow = naive_stamp(text.encode(), name)
    assert (ok, ok and (time, end)) == (slow is not None, slow is not None and (value(slow[0]), slow[1]))
    if ok:
        assert re.match(STAMPS[name].whole_stamp.encode(), text.encode())


@given(st.sampled_from(list(ZONES)), st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)))
def test_named_zones_and_offsets_agree(zone, when):
    sign, minutes = "-" if ZONES[zone] < 0 else "+", abs(ZONES[zone])
    stamp = when.strftime("%Y-%m-%d %H:%M:%S")
    assert (
        read_one(f"{stamp} {zone}", "iso")[1]
        == read_one(f"{stamp}{sign}{minutes // 60:02d}:{minutes % 60:02d}", "iso")[1]
    )


FURTHER = [
    ("<14>Nov 12 01:02:03 gw dnsd[71]: cache flushed", "syslog priority", "INFO", "dnsd", "cache flushed"),
    ("Nov  2 01:02:03 lb proxyd[7]: 10.0.0.1:3 [02/Nov/2023:01:02:03.120] in out/a 200", "syslog", "", "proxyd", "10.0.0.1:3 [02/Nov/2023:01:02:03.120] in out/a 200"),
    ("1699000000.120    123 10.0.0.1 MISS/200 GET http://a.example/", "time", "", "", "123 10.0.0.1 MISS/200 GET http://a.example/"),
    ("I1102 01:02:03.120000       1 node.go:41] lease renewed", "glog", "INFO", "node.go", "lease renewed"),
    ('time=2023-11-02T01:02:03.120Z level=WARN msg="cache is cold" shard=7', "logfmt", "WARN", "", "cache is cold shard=7"),
    ('{"t":{"$date":"2023-11-02T01:02:03.120+00:00"},"s":"W","c":"STORAGE","msg":"slow","attr":{"ms":700}}', "json", "WARN", "STORAGE", "slow attr.ms=700"),
    ("INFO  [gc-1] 2023-11-02 01:02:03,120 Monitor.java:12 - paused", "time", "INFO", "", "Monitor.java:12 - paused"),
    ("2023-11-02 01:02:03.120 [warning] mailbox is long", "level", "WARN", "", "mailbox is long"),
    ("02-Nov-2023 01:02:03.120 zone: warning: serial is old", "category level", "WARN", "zone", "serial is old"),
    ("Thu Nov  2 01:02:03 2023 peer left", "time", "", "", "peer left"),
    ('10.1.1.1 - - [02/Nov/2023 01:02:03] "GET / HTTP/1.1" 200 -', "access", "", "", '10.1.1.1 - - "GET / HTTP/1.1" 200 -'),
    ("2023-11-02 at 01:02:03 | DEBUG | woke up", "level", "DEBUG", "", "woke up"),
    ("11/2/2023 1:02:03 PM Warning: disk is old", "level", "WARN", "", "disk is old"),
    ("[11/2/23 1:02:03:120 UTC] 0000000a Server   A   opened", "websphere", "NOTICE", "Server", "opened"),
    ("- 1699000000 2023.11.03 n12 Nov 3 08:26:40 n12/n12 cronx(session)[9]: began", "supercomputer syslog", "", "cronx(session)", "began"),
    ('{"@t":"2023-11-02T01:02:03.120Z","@mt":"Sent {Mail}","@l":"Fatal","Mail":7}', "json", "FATAL", "", "Sent {Mail} Mail=7"),
    ('{"time":"2023-11-02T01:02:03Z","log":{"level":"warn","logger":"x.y"},"message":"slow"}', "json", "WARN", "x.y", "slow"),
    ('{"__REALTIME_TIMESTAMP":"1699000000000000","PRIORITY":"4","SYSLOG_IDENTIFIER":"dnsd","_PID":"7","MESSAGE":"slow"}', "json", "WARN", "dnsd", "slow"),
    ("[2023-11-02T01:02:03.120+0000][warning][safepoint] long stop", "elasticsearch", "WARN", "safepoint", "long stop"),
    ("11/02/2023-01:02:03.120456  [**] [1:7:1] opened [**]", "time", "", "", "[**] [1:7:1] opened [**]"),
    ("2023/11/02 01:02:03 ERRO refused order=7", "level", "ERROR", "", "refused order=7"),
    ("2023-11-02 01:02:03.120;WARN;pay;slow", "level", "WARN", "", "pay;slow"),
    ("[01:02:03] [main/INFO] (Loader) began", "thread slash level", "INFO", "", "(Loader) began"),
    ("02.11.2023 01:02:03 FEHLER Auftrag fehlt", "level", "ERROR", "", "Auftrag fehlt"),
    ('{"timeUnixNano":"1699000000120000000","severityText":"WARN","body":"slow"}', "json", "WARN", "", "slow"),
    ('{"severity":"ERROR","timestamp":{"seconds":1699000000,"nanos":120},"message":"refused"}', "json", "ERROR", "", "refused"),
    ('{"lastTimestamp":"2023-11-02T01:02:03Z","reason":"BackOff","message":"again"}', "json", "", "", "again reason=BackOff"),
    ("2023-11-02 01:02:03,120 INFO  org.acme.Flow                 [] - began", "level name dash", "INFO", "org.acme.Flow", "began"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "name", "level", "logger", "message"), FURTHER)
def test_further_lines_are_read_by_the_row_that_fits(line, name, level, logger, message):
    chosen, *found, timed = read_line(line)
    assert (chosen.partition(" (")[0], *found, timed) == (name, level, logger, message, True)


def test_adding_a_format_is_adding_a_row_with_its_examples(monkeypatch):
    line, *expected = "[2024-03-05 09:07:03 | warn @ billing] slow", "WARN", "billing", "slow"
    assert read_line(line)[0] == "level (iso)"
    row = Header(rf" \| {WORD} @ (?P<logger>[\w.]+)\] ", ((line, *expected),))
    for module in (recognition, choice):
        monkeypatch.setattr(module, "HEADERS", {"billing": row, **HEADERS})
    for name in ("_joined_header_rows", "_headers_before"):
        monkeypatch.setattr(choice, name, getattr(choice, name).__wrapped__)
    monkeypatch.setattr(choice, "_LAST", {})
    monkeypatch.setitem(recognition._ROWS, "billing", row)
    assert read_line(line) == ("billing (iso)", *expected, True)


PLAINLY = [example[0].encode() for row in PLAIN.values() for example in row.examples] + [
    b"cart opened",
    b"- x",
    b"a: b",
]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(PLAINLY), max_size=6), st.sampled_from([(), ("level first",)]))
def test_lines_without_a_time_have_the_first_row_that_fits_them(lines, expected):
    known = sorted(PLAIN.items(), key=lambda item: item[0] not in expected)
    want = next(name for name, row in known if row.fits_lines(lines) and (lines or name == "plain"))
    assert recognition._recognise_timeless_row(lines, expected) == want


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.sampled_from([e[0].encode() for row in ENVELOPES.values() for e in row.examples] + [b"up"]), max_size=9)
)
def test_lines_are_in_an_envelope_only_where_they_may_be(lines):
    fitting = any(envelopes._envelope_fits_lines(row, lines) for row in ENVELOPES.values())
    assert envelopes._envelope_may_fit(lines) or not fitting


def test_a_short_log_is_read_by_the_formats_that_are_expected():
    line = b"2024-03-05 09:07:03,120 INFO  a.b.C - cart opened"
    long = recognition.recognise_format([line] * 50)
    short = [*[b"banner"] * 18, b"2024-03-05 09:07:03,120 INFO  starting without a class", line]
    assert recognition.recognise_format(short).name == "level (iso)"
    assert recognition.recognise_format(short, expected=(long.name,)).name == long.name == "level name dash (iso)"
    assert recognition.recognise_format([b"banner", b"10.0.0.9 GET"], expected=(long.name,)).uses == ()
