"""Headers split over two lines, as Java's own logger and Oracle print them: joined with the line behind them."""

import re
from collections.abc import Sequence

_NARROW = b"\xe2\x80\xaf"  # stands before AM and PM since Java 20
_HALF = re.compile(
    rb"[A-Z][a-z]{2} \d{1,2}, \d{4},? \d{1,2}:\d\d:\d\d(?: |\xe2\x80\xaf)[AP]M [\w.$]{1,200} [\w.$<>]{1,200}|"
    rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}[+-]\d\d:\d\d|"
    rb"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}"
)
_LEAST = 0.1


def is_split_header(line: bytes) -> bool:
    """Whether a line is nothing but the header of the next one.

    Examples
    --------
    >>> is_split_header(b"Mar 05, 2024 9:07:03 AM org.acme.Pay charge"), is_split_header(b"SEVERE: refused")
    (True, False)
    """
    return _HALF.fullmatch(line) is not None


def has_split_headers(lines: Sequence[bytes]) -> bool:
    """Whether a log has such headers: one line of ten at least."""
    maybe = [line for line in lines if len(line) == 32 or line[3:4] == b" "]  # few others are worth a closer look
    halves = sum(map(is_split_header, maybe)) if maybe else 0
    return halves > 0 and halves > _LEAST * sum(1 for line in lines if line.strip())


def join_split_headers(lines: Sequence[bytes]) -> list[bytes]:
    """As many lines, headers with the text behind them and the lines of that text left empty.

    Examples
    --------
    >>> join_split_headers([b"Mar 05, 2024 9:07:03 AM org.acme.Pay charge", b"SEVERE: refused"])
    [b'Mar 05, 2024 9:07:03 AM org.acme.Pay charge SEVERE: refused', b'']
    """
    found = list(lines)
    for i in range(len(found) - 1):
        if is_split_header(found[i]) and found[i + 1].strip() and not is_split_header(found[i + 1]):
            found[i : i + 2] = [found[i].replace(_NARROW, b" ", 1) + b" " + found[i + 1], b""]
    return found
