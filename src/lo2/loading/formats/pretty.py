"""Pretty-printed JSON: objects that are spread over lines, each joined on its first line."""

from itertools import pairwise, repeat


def has_pretty_json(lines: list[bytes]) -> bool:
    """Whether JSON objects are spread over lines: one opens alone on its line and its members are indented.

    Examples
    --------
    >>> has_pretty_json([b"{", b'  "level": "info"', b"}"])
    True
    """
    if not any(map(bytes.startswith, lines, repeat(b"{"))):
        return False
    filled = [line for line in lines if line.strip()]
    return any(
        a[:1] == b"{" and a.rstrip() == b"{" and b[:1].isspace() and b.lstrip().startswith(b'"')
        for a, b in pairwise(filled)
    )


def join_pretty_json(lines: list[bytes]) -> list[bytes]:
    """Objects spread over lines on their first line, the others left empty.

    Examples
    --------
    >>> join_pretty_json([b"{", b'  "level": "info"', b"}"])
    [b'{"level": "info"}', b'', b'']
    """
    found = list(lines)
    begun = -1
    for i, line in enumerate(lines):
        if begun < 0 and line.rstrip() == b"{":
            begun = i
        elif begun >= 0:
            if line[:1].isspace() or line.rstrip().rstrip(b",") == b"}":
                found[begun] += line.strip()
                found[i] = b""
            if not line[:1].isspace():
                found[begun] = found[begun].rstrip().rstrip(b",")
                begun = -1
    return found
