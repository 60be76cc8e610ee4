"""Lines that differ in every run and say nothing: what they are, each with an example."""

import re
from collections.abc import Mapping

NOISE: Mapping[str, tuple[str, str]] = {
    "commit": (
        r"\bHEAD is now at\b|^\s*Change-Id: |^\s*(?:commit|Merge:) \S+$|^\s*Author: .+ <",
        "HEAD is now at <*> Mend the cart",
    ),
    "progress": (r"\bETA\b|[#=>█━╸╺-]{12,}\s*<\*>|<\*>\s*\|[#=>█▏▎▍▌▋▊▉ -]{4,}\|", "<*> |#####     | <*> ETA <*>"),
    "mirror": (r"^\s*\* [a-z]+: [a-zA-Z0-9.<>*-]+$|\bTrying other mirror\b", " * base: mirror.example.org"),
    "key": (r"-----(?:BEGIN|END) |\bAAAA[A-Z][0-9]|^\s*[A-Za-z0-9+/=_-]{60,}$", "-----BEGIN CERTIFICATE-----"),
}
"""Patterns for one masked message, without level and logger."""

_ANY = re.compile("|".join(f"(?:{pattern})" for pattern, _ in NOISE.values()))


def is_noise(text: str) -> bool:
    """Whether a masked message is of these kinds.

    Examples
    --------
    >>> [is_noise(example) for _, example in NOISE.values()], is_noise("tests FAILED")
    ([True, True, True, True], False)
    """
    return _ANY.search(text.rpartition("\x1f")[2]) is not None
