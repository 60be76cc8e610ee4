"""Identity of a sequence: names of run, case and service printable and escaped, and the ``seq_id`` made of them."""

import re
from functools import lru_cache

_AMBIGUOUS = re.compile(r"[\udc80-\udcff]|%(?:25|[89A-Fa-f][0-9A-Fa-f])")
_BYTE = re.compile(r"[\udc80-\udcff%]")


@lru_cache(maxsize=1 << 14)
def printable_name(name: str) -> str:
    """A file's name as UTF-8 text: bytes that are not UTF-8 become ``%XX``; distinct names stay distinct.

    Examples
    --------
    >>> printable_name("caf\\udce9"), printable_name("100%"), printable_name("caf%E9")
    ('caf%E9', '100%', 'caf%25E9')
    """
    return _percent_encode_name(name) if _AMBIGUOUS.search(name) else name


@lru_cache(maxsize=1 << 14)
def escaped_name(name: str) -> str:
    """Part of a ``seq_id``: text of :func:`printable_name` without ``__``, and no ``_`` at either end.

    Examples
    --------
    >>> escaped_name("payment_service"), escaped_name("a__b"), escaped_name("_x"), escaped_name("50%_")
    ('payment_service', 'a%5F%5Fb', '%5Fx', '50%25%5F')
    """
    text = name if _AMBIGUOUS.search(name) else _percent_encode_name(name)
    text = re.sub("__+", lambda found: "%5F" * len(found[0]), text)
    return re.sub("^_|_$", "%5F", text)


def sequence_id(run: str, test_case: str, service: str, number: int = 0) -> str:
    """``run__test_case__service``, and a fourth part where several places give the same three.

    Examples
    --------
    >>> sequence_id("r1", "correct", "token"), sequence_id("r_", "a", "t", 2)
    ('r1__correct__token', 'r%5F__a__t__2')
    """
    parts = [escaped_name(run), escaped_name(test_case), escaped_name(service)]
    return "__".join([*parts, str(number)] if number else parts)


def _percent_encode_name(name: str) -> str:
    return _BYTE.sub(lambda found: f"%{ord(found[0]) & 0xFF:02X}", name)
