"""The slow, obvious reader of logs of any format: one line after the other, regular expressions and ``datetime``."""

import re
from datetime import UTC, date, datetime, timedelta

from lo2.loading.formats.continuations import continues_event
from lo2.loading.formats.header import Fields, words_before_header
from lo2.loading.formats.headers import HEADERS
from lo2.loading.formats.recognition import Format, Use
from lo2.loading.formats.records import read_json_record, read_logfmt_record
from lo2.loading.times.stamps import STAMPS, ZONES

MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = 86_400_000
Moment = tuple[str, int]
"""``real`` and ms since the epoch; ``year`` and ms since 1972 began; ``date`` and ms since midnight."""


def expression(shape: str) -> re.Pattern[bytes]:
    """A shape as a regular expression with one group per field."""
    parts = {"bbb": f"(?P<b>{'|'.join(MONTHS)})", "www": "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)", "~": "[T \t_]"}
    regex = ""
    for piece in re.findall(r"bbb|www|YYYY|yy|DD|[YMhms]{2}|E+|.", shape):
        if piece in parts:
            regex += parts[piece]
        elif piece == "DD":
            regex += "(?P<D>[ 0-9][0-9])"
        elif piece[0] in "YyMDhmsE":
            regex += f"(?P<{piece[0]}>[0-9]{{{len(piece)}}})"
        else:
            regex += re.escape(piece)
    return re.compile(regex.encode())


def naive_stamp(line: bytes, name: str, at: int = 0) -> tuple[Moment, int] | None:
    """Time that stands at a place of a line, and where it ends."""
    row = STAMPS[name]
    for shape in row.shapes:
        match = expression(shape).match(line, at)
        if match is None:
            continue
        fields = {key: value.decode() for key, value in match.groupdict().items()}
        found = _with_tail(line, match.end(), fields, row.tail.split(), loose="YYYYMMDD-" in row.shapes[0])
        if found is not None:
            return found
    return None


def _with_tail(line: bytes, end: int, fields: dict[str, str], tail: list[str], *, loose: bool):
    ms = east = 0
    if "fraction" in tail and (match := re.compile(rb"([.,:])([0-9]{1,9})").match(line, end)):
        mark, digits = match[1], match[2].decode()
        if len(digits) >= 3 or mark == b"." or (loose and mark == b":"):
            ms, end = int(digits[:3].ljust(3, "0")), match.end()
            if loose and mark == b":":
                ms = int(digits[:3])
    hour = int(fields.get("h", 0))
    if "half" in tail:
        match = re.compile(rb" ?([AaPp])[Mm](?![0-9A-Za-z_])").match(line, end)
        if match and 1 <= hour <= 12:
            hour, end = hour % 12 + 12 * (match[1] in b"pP"), match.end()
        elif "s" not in fields:
            return None
    if "zone" in tail:
        east, end = _zone(line, end)
    if "year" in tail:
        match = re.compile(rb" ([0-9]{4})").match(line, end)
        if match is None:
            return None
        fields["Y"], end = match[1].decode(), match.end()
    if re.compile(rb"[0-9]").match(line, end):
        return None
    if "E" in fields:
        number = int(fields["E"])
        worth = {10: number * 1000 + ms, 13: number, 16: number // 1000, 19: number // 10**6}[len(fields["E"])]
        if re.compile(rb"\w", re.ASCII).match(line, end) or not 10**12 <= worth < 4 * 10**12:
            return None
        return ("real", worth), end
    minute, second = int(fields["m"]), int(fields.get("s", 0))
    if hour > 23 or minute > 59 or second > 60:
        return None
    clock = ((hour * 60 + minute) * 60 + second) * 1000 + ms - east * 60_000
    if "D" not in fields:
        return ("date", clock), end
    year = int(fields["Y"]) if "Y" in fields else 2000 + int(fields["y"]) if "y" in fields else 1972
    month = MONTHS.index(fields["b"]) + 1 if "b" in fields else int(fields["M"])
    try:
        day = datetime.strptime(f"{year:04d}-{month:02d}-{int(fields['D']):02d}", "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None
    since = EPOCH if "Y" in fields or "y" in fields else datetime(1972, 1, 1, tzinfo=UTC)
    return ("real" if since == EPOCH else "year", (day - since).days * DAY + clock), end


def _zone(line: bytes, end: int) -> tuple[int, int]:
    if match := re.compile(rb"Z(?![0-9A-Za-z_])").match(line, end):
        return 0, match.end()
    if match := re.compile(rb" ?([+-])([0-9]{2}):?([0-9]{2})").match(line, end) or re.compile(
        rb"([+-])([0-9]{2})(?![0-9A-Za-z_:])"
    ).match(line, end):
        minutes = int(match[2]) * 60 + int(match[3] if match.re.groups == 3 else 0)
        if int(match[2]) <= 18 and minutes % 60 == (int(match[3]) if match.re.groups == 3 else 0):
            return (-minutes if match[1] == b"-" else minutes), match.end()
        return 0, end
    for name, minutes in ZONES.items():
        if match := re.compile(rf" {name}(?![0-9A-Za-z_])".encode()).match(line, end):
            return minutes, match.end()
    return 0, end


def _place(line: bytes, place: str) -> int | None:
    """Where a stamp would begin, as the table names its place."""
    at: int | None = 0
    if place == "letter":
        return 1
    if place == "priority":
        return line.find(b">") + 1 if line[:1] == b"<" and b">" in line else None
    for name, mark in (("bracket", b"["), ("key audit(", b"(")):
        if place == name:
            return line.find(mark) + 1 if mark in line else None
    if place.startswith("word "):
        begins = [i for i in range(1, len(line)) if line[i] not in b" \t" and line[i - 1] in b" \t"]
        number = int(place[5:])
        if len(begins) < number:
            return None
        at = begins[number - 1]
    if place.startswith("cell "):
        ends = [i for i in range(len(line)) if line[i : i + 1] in (b",", b";", b"|")]
        number = int(place[5:])
        if len(ends) < number:
            return None
        at = ends[number - 1] + 1
        at += line[at : at + 1] in (b" ", b"\t")
    for _ in range(5):
        at += line[at : at + 1] in [b"[", b"(", b"'", b'"', b"<", b"*", b"#"]
    return at


def without_codes(line: bytes) -> bytes:
    """A line without the codes by which terminals colour and move: byte after byte, as ECMA-48 defines them."""
    kept, i = bytearray(), 0
    while i < len(line):
        end = _code_end(line, i) if line[i] == 0x1B else None
        if end is None:
            kept.append(line[i])
            end = i + 1
        i = end
    return bytes(kept)


def _code_end(line: bytes, start: int) -> int | None:
    i = start + 2
    kind = line[start + 1 : i]
    if kind == b"[":
        while line[i : i + 1] and line[i] in b"0123456789;:?<=>":
            i += 1
        while line[i : i + 1] and 0x20 <= line[i] <= 0x2F:
            i += 1
        return i + 1 if line[i : i + 1] and 0x40 <= line[i] <= 0x7E else None
    if kind == b"]":
        while line[i : i + 1] and line[i] not in (0x07, 0x1B):
            i += 1
        if line[i : i + 1] == b"\x07":
            return i + 1
        return i + 2 if line[i : i + 2] == b"\x1b\\" else None
    return i if kind and (0x40 <= kind[0] <= 0x5A or kind in (b"\\", b"^", b"_")) else None


def read_log(lines: list[bytes], form: Format) -> list[tuple[bool, bytes, Moment | None]]:
    """Per line: whether it is an event, its canonical text, and its time."""
    found = []
    after = False
    for raw in lines:
        line = without_codes(raw).removesuffix(b"\r")
        taken = next((one for use in form.uses if (one := _take(use, line)) is not None), None)
        if taken is None:
            after = continues_event(line, headed=form.headed, after=after)
            taken = (False, b"\n" + line, None) if after else (True, _canonical(form.plain.read_recognised(line)), None)
        else:
            after = not taken[0]
        found.append(taken)
    return found


def _take(use: Use, line: bytes) -> tuple[bool, bytes, Moment | None] | None:
    if use.kind == "json":
        if not (line.startswith(b"{") and line.endswith(b"}")):
            return None
        moment, text = _keyed(rf'"{re.escape(use.key)}"\s*:\s*"?', line, use.stamp, b"1")
        return True, _canonical(read_json_record(text) or Fields("", b"", b"", text)), moment
    if use.kind == "logfmt":
        if not re.match(rb"[A-Za-z][^=]{0,38}=", line, re.DOTALL):
            return None
        moment, text = _keyed(rf'(?:^|(?<=\s)){re.escape(use.key)}="?', line, use.stamp, b"\x1e")
        return True, _canonical(read_logfmt_record(text) or Fields("", b"", b"", text)), moment
    at = _place(line, use.place)
    read = None if at is None or at >= len(line) else naive_stamp(line, use.stamp, at)
    if at is None or read is None:
        return None
    moment, end = read
    if use.zone and re.compile(rf" {use.zone}(?![0-9A-Za-z_])".encode()).match(line, end):
        end += 1 + len(use.zone)
    rest = line[end:]
    if (
        use.header.tags
        and (match := use.header.header_expression.match(rest))
        and match["level"].decode() in use.header.tags
    ):
        return False, b"\n" + rest[match.start("level") :], None
    marked = rest if use.place == "start" else line[:at] + b"\x1e" * (end - at) + rest
    return True, _canonical(_fields(use, marked)), moment


def _keyed(pattern: str, line: bytes, stamp: str, filler: bytes) -> tuple[Moment | None, bytes]:
    match = re.search(pattern.encode(), line) if stamp else None
    read = naive_stamp(line, stamp, match.end()) if match and match.end() < len(line) else None
    if match is None or read is None:
        return None, line
    return read[0], line[: match.end()] + filler * (read[1] - match.end()) + line[read[1] :]


def _fields(use: Use, body: bytes) -> Fields:
    level, before = "", b""
    if use.place != use.header.place:
        level, before = words_before_header(body)
        body = body.rpartition(b"\x1e")[2]
    rows = (use.header, HEADERS["level"], HEADERS["time"])
    found = next((one for row in rows if (one := row.read_fields(body)) is not None), Fields("", b"", b"", body))
    return Fields(found.level or level, found.logger or before, found.thread, found.text)


def _canonical(fields: Fields) -> bytes:
    return b"\x1f".join([fields.level.encode(), fields.logger.replace(b"\x1f", b" "), fields.text.strip(b" \t\r")])


def complete(moments: list[Moment | None], first_year: int, first_day: date) -> list[int | None]:
    """Times since the epoch when the first yearless one is of ``first_year``, the first dateless one of ``first_day``."""
    year, day = first_year, first_day
    known: dict[str, int] = {}
    result: list[int | None] = []
    for moment in moments:
        if moment is None or moment[0] == "real":
            result.append(None if moment is None else moment[1])
            continue
        kind, value = moment
        step = value - known.get(kind, value)
        known[kind] = value
        if kind == "year":
            year += (step < -183 * DAY) - (step > 183 * DAY)
            then = datetime(1972, 1, 1, tzinfo=UTC) + timedelta(milliseconds=value)
            try:
                then = then.replace(year=year)
            except ValueError:  # 29 February in a common year
                then = then.replace(year=year, month=3, day=1)
            result.append(round((then - EPOCH) / timedelta(milliseconds=1)))
        else:
            day += timedelta(days=(step < -DAY // 2) - (step > DAY // 2))
            result.append((day - date(1970, 1, 1)).days * DAY + value)
    return result
