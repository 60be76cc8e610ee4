"""Unwrapping many lines of one kind of envelope: all at once where each opens by itself, else one after the other."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

_DOCKER = re.compile(
    rb'^\{"log": ?"([^"\\\x00-\x1f]*(?:\\[^\n][^"\\\x00-\x1f]*)*)\\n", ?"stream": ?"std(?:out|err)"'
    rb'(?:, ?"attrs": ?\{(?:"[^"\\\x00-\x1f]*": ?"[^"\\\x00-\x1f]*"(?:, ?)?)*\})?'
    rb', ?"time": ?"([^"\\\x00-\x1f]*)"\}\r?$',
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Letter:
    """One line out of its envelope: the text (None: it was part of the line before), when, and whose it is."""

    text: bytes | None
    when: bytes = b""
    service: str = ""
    open: bool = False


class Letters(NamedTuple):
    """Lines out of their envelopes: texts (parts of one line joined, the rest of its lines empty), times, services."""

    texts: list[bytes]
    whens: list[bytes]
    services: list[str] | None = None


def unwrap_docker_lines(lines: Sequence[bytes]) -> Letters | None:
    """Lines of Docker's json-file, or None where one is written otherwise or is the part of a longer line.

    Examples
    --------
    >>> unwrap_docker_lines([b'{"log":"up \\\\u003e 1\\\\n","stream":"stdout","time":"2024-05-02T08:00:01Z"}'])
    Letters(texts=[b'up > 1'], whens=[b'2024-05-02T08:00:01Z'], services=None)
    """
    block = b"\n".join(lines)
    found = _DOCKER.findall(block)
    if len(found) != len(lines):
        return None
    try:
        block.decode()
        texts = [text if b"\\" not in text else unwrapped_text(json.loads(b'"%b\\n"' % text)) for text, _ in found]
    except ValueError:
        return None
    return Letters(texts, [when for _, when in found])


def unwrapped_text(text: str) -> bytes:
    """What was one line of a program, whatever feeds it held."""
    return text.encode("utf-8", "replace").rstrip(b"\r\n").replace(b"\n", b"\r")


def unwrap_rows(pattern: bytes, service: str, partial: str) -> Callable[[Sequence[bytes]], Letters | None]:
    """How lines are unwrapped by a pattern with the groups ``text``, ``when``, ``service`` and ``part``.

    Examples
    --------
    >>> unwrap_rows(rb"(?P<service>[a-z]+) \\| (?P<text>.*)", "name", "")([b"web | up", b"db | down"])
    Letters(texts=[b'up', b'down'], whens=[b'', b''], services=['web', 'db'])
    """
    expression = re.compile(b"^(?:%b)\r?$" % pattern, re.MULTILINE)
    names = {name: number - 1 for name, number in expression.groupindex.items()}

    def unwrapped(lines: Sequence[bytes]) -> Letters | None:
        found = expression.findall(b"\n".join(lines))
        if len(found) != len(lines) or not found:
            return None
        if isinstance(found[0], bytes):
            found = [(text,) for text in found]
        columns = list(zip(*found, strict=True))
        if partial and partial.encode() in columns[names["part"]]:
            return None
        whens = list(columns[names["when"]]) if "when" in names else [b""] * len(lines)
        services = [who.decode("utf-8", "replace") for who in columns[names["service"]]] if service else None
        return Letters(list(columns[names["text"]]), whens, services)

    return unwrapped


def unwrap_one_by_one(lines: Sequence[bytes], opened: Callable[[bytes], Letter | None]) -> Letters:
    """Texts, times and services of all lines."""
    texts: list[bytes] = []
    whens: list[bytes] = []
    services: list[str] = []
    running: dict[str, int] = {}
    for line in lines:
        letter = opened(line) or Letter(line)
        begun = running.get(letter.service)
        if begun is not None:
            texts[begun] += letter.text or b""
            texts.append(b"")
        else:
            texts.append(letter.text or b"")
        whens.append(letter.when)
        services.append(letter.service)
        if letter.open:
            running[letter.service] = len(texts) - 1 if begun is None else begun
        else:
            running.pop(letter.service, None)
    return Letters(texts, whens, services)
