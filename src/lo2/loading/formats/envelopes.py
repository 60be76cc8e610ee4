"""Envelopes that collectors (Docker, CRI, syslog) wrote around a program's lines: learnt, peeled off before reading.

A row tells how a line of it looks and gives what is inside; what is inside is read as any line again, so that a
stack trace that was wrapped line by line is one event. Adding an envelope is adding a row; its examples are its test.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from lo2.levels import WORDS
from lo2.loading.formats.continuations import continues_event
from lo2.loading.formats.pretty import has_pretty_json, join_pretty_json
from lo2.loading.formats.split_headers import has_split_headers, is_split_header, join_split_headers
from lo2.loading.formats.stamp_places import find_stamp
from lo2.loading.formats.unwrapping import (
    Letter,
    Letters,
    unwrap_docker_lines,
    unwrap_one_by_one,
    unwrap_rows,
    unwrapped_text,
)
from lo2.loading.times.stamp_values import read_stamped_texts
from lo2.loading.times.stamps import NO_TIME

ANSI = re.compile(rb"\x1b(?:\[[0-9;:?<=>]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\)|[@-Z\\^_])")
_NANO = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7,9}(?:Z|[+-]\d\d:\d\d)"
_SYSLOG = rb"(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,6})?|\d{4}-\d\d-\d\dT\S{8,30})"
_PROGRAM = re.compile(_SYSLOG + rb" \S+ ([A-Za-z_][\w./@+-]*)(?:\[\d+\])?:")
_WORTH = 0.9
_STAMPS = ("iso", "syslog", "epoch")
_INSIDE = ("line", "log", "_source.message", "_source.log", "_source.event.original")
_OUTSIDE = ("timestamp", "time", "@timestamp", "_source.@timestamp", "ts")


@dataclass(frozen=True)
class Envelope:
    """One kind: how a line opens, or None where it is not of this kind."""

    open: Callable[[bytes], Letter | None]
    examples: tuple[tuple[str, str], ...]
    pattern: bytes = rb"\{.*"
    """Matches all of a line that opens."""
    open_all: Callable[[Sequence[bytes]], Letters | None] = lambda lines: None
    """How many lines open at once, or None where they do not."""
    suits: Callable[[Sequence[bytes], Sequence[Letter]], bool] = lambda lines, letters: True
    """Whether what opens is such an envelope, as all lines and what is in them tell."""


def _open_docker_envelope(line: bytes) -> Letter | None:
    if not line.startswith(b"{"):
        return None
    try:
        record = json.loads(line)
        inside, when = (_envelope_record_value(record, names) for names in (_INSIDE, _OUTSIDE))
    except (ValueError, RecursionError, AttributeError):
        return None
    if not isinstance(inside, str):
        return None
    partial = "stream" in record and not inside.endswith("\n")
    return Letter(unwrapped_text(inside), str(when or "").encode("utf-8", "replace"), open=partial)


def _envelope_record_value(record: Mapping[str, object], names: tuple[str, ...]) -> object:
    for name in names:
        found: object = record
        for part in [name] if name in record else name.split(".", 1):
            found = found.get(part) if isinstance(found, dict) else None
        if found is not None:
            return found
    return None


def _envelopes_hold_headers(lines: Sequence[bytes], letters: Sequence[Letter]) -> bool:
    """Whether one program wrote them, with a time, a JSON object or pairs of its own behind the collector's header."""
    places = {letter.text: find_stamp(letter.text) for letter in letters if letter.text}
    headed = [text for text, place in places.items() if place and place[1] in ("start", "key", "none")]
    others = [text for text in set(places).difference(headed) if not continues_event(text, headed=True, after=False)]
    programs = {match[1] for line in lines if (match := _PROGRAM.match(line))}
    return len(programs) == 1 and bool(headed) and len(headed) >= _WORTH * (len(headed) + len(others))


def _envelope_row(
    pattern: bytes,
    *examples: tuple[str, str],
    service: str = "",
    partial: str = "",
    suits: Callable[[Sequence[bytes], Sequence[Letter]], bool] = Envelope.suits,
) -> Envelope:
    expression = re.compile(pattern, re.DOTALL)

    def opened_envelope(line: bytes) -> Letter | None:
        match = expression.fullmatch(line)
        if match is None:
            return None
        groups = match.groupdict()
        whose = (groups.get("service") or b"").decode("utf-8", "replace") if service else ""
        return Letter(
            groups["text"] or b"",
            groups.get("when") or b"",
            whose,
            bool(partial) and groups["part"] == partial.encode(),
        )

    return Envelope(opened_envelope, examples, pattern, unwrap_rows(pattern, service, partial), suits)


ENVELOPES: Mapping[str, Envelope] = {
    "container json": Envelope(
        _open_docker_envelope,
        (
            ('{"log":"INFO up\\n","stream":"stdout","time":"2024-05-02T08:00:01.5Z"}', "INFO up"),
            ('{"labels":{"app":"web"},"line":"INFO up","timestamp":"2024-05-02T08:00:01Z"}', "INFO up"),
            ('{"_index":"a","_source":{"@timestamp":"2024-05-02T08:00:01Z","message":"INFO up"}}', "INFO up"),
        ),
        open_all=unwrap_docker_lines,
    ),
    "cri": _envelope_row(
        rb"(?P<when>\d{4}-\d\d-\d\dT\S+) std(?:out|err) (?P<part>[FP])(?::\w+)? ?(?P<text>.*)",
        ("2024-05-02T08:00:01.500000001Z stdout F INFO up", "INFO up"),
        partial="P",
    ),
    "time stamps": _envelope_row(
        rb"(?P<when>" + _NANO + rb")(?: (?P<text>.*))?",
        ("2024-03-05T09:07:03.1200007Z ##[group]Run", "##[group]Run"),
    ),
    "compose": _envelope_row(
        rb"(?P<service>[A-Za-z0-9][\w.-]*?) *\|(?: (?P<text>.*))?",
        ("web-1  | INFO up", "INFO up"),
        service="name",
        suits=lambda _, letters: not any(letter.service.upper() in WORDS for letter in letters),
    ),
    "kubectl": _envelope_row(
        rb"\[(?:pod/)?(?P<service>[a-z0-9][\w.-]*/[\w.-]+)\] ?(?P<text>.*)",
        ("[pod/web-7d9c6b5f4d-x2x8q/app] INFO up", "INFO up"),
        service="name",
    ),
    "stern": _envelope_row(
        rb"(?P<service>[a-z0-9][a-z0-9.-]*-[a-z0-9]{5,10}(?:-[a-z0-9]{5})? [a-z0-9][a-z0-9-]*) (?P<text>.*)",
        ("web-7d9c6b5f4d-x2x8q app INFO up", "INFO up"),
        service="name",
        suits=lambda lines, letters: len({letter.service for letter in letters}) <= max(1, len(letters) // 5),
    ),
    "journal": _envelope_row(
        rb"(?P<when>" + _SYSLOG + rb") \S+ [A-Za-z_][\w./@+-]*(?:\[\d+\])?:(?: (?P<text>.*))?",
        ("Mar  5 09:07:03 web-3 java[4711]: 2024-03-05 09:07:03 INFO up", "2024-03-05 09:07:03 INFO up"),
        ('2024-03-05T09:07:03+00:00 web-3 shop: {"level":"info","msg":"up"}', '{"level":"info","msg":"up"}'),
        suits=_envelopes_hold_headers,
    ),
}  # fmt: skip


@dataclass
class Peeler:
    """Takes the envelopes off the lines of one log, from the outermost inwards; ``services`` grow as they are met."""

    names: tuple[str, ...] = ()
    pretty: bool = False
    halves: bool = False
    services: list[str] = field(default_factory=list)

    @classmethod
    def learn_envelopes(cls, lines: Sequence[bytes]) -> "Peeler":
        """Which envelopes these lines are in: each kind that opens nine of ten, up to three deep."""
        ansi = b"\x1b" in b"\n".join(lines)
        plain = [ANSI.sub(b"", line) for line in lines] if ansi else list(lines)
        found: list[str] = []
        while len(found) < 3:
            inside = list(islice(filter(bytes.strip, plain), 200))
            rows = ENVELOPES.items() if _envelope_may_fit(inside) else ()
            name = next((name for name, row in rows if _envelope_fits_lines(row, inside)), None)
            if name is None or name in found:
                break
            found.append(name)
            plain = [letter.text or b"" for line in inside if (letter := ENVELOPES[name].open(line)) is not None]
        return cls(tuple(found), bool(plain) and has_pretty_json(plain), has_split_headers(plain))

    @property
    def peels(self) -> bool:
        """Whether there is anything to take off or to join, but for colours."""
        return bool(self.names) or self.pretty or self.halves

    def peel_envelopes(self, block: bytes) -> tuple[bytes, NDArray[np.int64] | None, NDArray[np.int64] | None]:
        """A block of as many lines without their envelopes, what times these say, and the numbers of their services."""
        if b"\x1b" in block:
            block = ANSI.sub(b"", block)
        if not self.peels:
            return block, None, None
        lines = [line.removesuffix(b"\r") for line in block.removesuffix(b"\n").split(b"\n")]
        times = np.full(len(lines), NO_TIME)
        owners: list[str] = [""] * len(lines)
        for name in self.names:
            row = ENVELOPES[name]
            lines, whens, services = row.open_all(lines) or unwrap_one_by_one(lines, row.open)
            known = read_stamped_texts(whens, _STAMPS)
            times = np.where(known == NO_TIME, times, known)
            if services is not None:
                owners = [service or owner for service, owner in zip(services, owners, strict=True)]
        if self.pretty:
            lines = join_pretty_json(lines)
        if self.halves:
            lines = join_split_headers(lines)
        return b"\n".join(lines) + b"\n", times, self._envelope_service_numbers(owners)

    def finished(self, block: bytes) -> int:
        """Where the lines at the end of a block begin that the next may go on with; its size if there are none."""
        if self.pretty and (begun := block.rfind(b"\n{") + 1) > block.rfind(b"\n}"):
            return begun if block[begun : block.find(b"\n", begun)].rstrip() == b"{" else len(block)
        if self.halves and not self.names:
            begun = block.rfind(b"\n", 0, -1) + 1
            return begun if is_split_header(block[begun:-1].removesuffix(b"\r")) else len(block)
        at = len(block) if self.names else 0
        while at:
            begun = block.rfind(b"\n", 0, at - 1) + 1
            if not self._is_partial_envelope(block[begun : at - 1].removesuffix(b"\r")):
                return at
            at = begun
        return 0 if self.names else len(block)

    def _is_partial_envelope(self, line: bytes) -> bool:
        for name in self.names:
            letter = ENVELOPES[name].open(line)
            if letter is None or letter.open:
                return letter is not None
            line = letter.text or b""
        return False

    def _envelope_service_numbers(self, owners: list[str]) -> NDArray[np.int64] | None:
        if not any(owners):
            return None
        for owner in owners:
            if owner not in self.services:
                self.services.append(owner)
        index = {name: i for i, name in enumerate(self.services)}
        return np.fromiter(map(index.__getitem__, owners), np.int64, len(owners))


_ANY = re.compile(
    re.sub(rb"\(\?P<\w+>", b"(?:", b"|".join(b"(?:%b)" % row.pattern for row in ENVELOPES.values())), re.DOTALL
)


def _envelope_may_fit(lines: list[bytes]) -> bool:
    """Whether so many lines open one way or another that one row may open enough of them."""
    missed = 0
    for line in lines:
        missed += _ANY.fullmatch(line) is None
        if len(lines) - missed < _WORTH * len(lines):
            return False
    return True


def _envelope_fits_lines(row: Envelope, lines: list[bytes]) -> bool:
    if not lines:
        return False
    opened: list[Letter] = []
    for missed, line in enumerate(lines):
        if (letter := row.open(line)) is not None:
            opened.append(letter)
        elif len(lines) - (missed + 1 - len(opened)) < _WORTH * len(lines):
            return False
    return row.suits(lines, opened)
