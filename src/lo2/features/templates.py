"""Templates: a masked message IS its template, whose id is a number made of its own text.

Nothing is fitted, so no test row can shape a training template, shards agree without talking, and a number means the
same in every data state. See ``docs/decisions/001-templates.md``.
"""

from functools import lru_cache
from hashlib import blake2b

from lo2.canonical import canonical_text


@lru_cache(1 << 14)
def template_number(message: str) -> int:
    """32-bit number of a masked message, from its text alone, without the level and logger before unit separators.

    Examples
    --------
    >>> template_number("DEBUG a b - Load:<*>") == template_number("DEBUG a b - Load:<*>")
    True
    """
    return int.from_bytes(blake2b(canonical_text(message).encode(), digest_size=4).digest(), "big")


def template_id(message: str) -> str:
    """Number of a masked message as eight hexadecimal digits, as in ``e_event_drain_id``."""
    return f"{template_number(message):08x}"


def templates(message: str) -> list[str]:
    """Template of an event; a continuation line has none.

    Examples
    --------
    >>> templates("DEBUG a b - up"), templates(chr(10) + "at some.Frame")
    (['f9eed472'], [])
    """
    return [] if message.startswith("\n") else [template_id(message)]
