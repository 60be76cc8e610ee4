"""Cuts before the masks: random tokens and hardware addresses become stand-ins, so that masks run over few texts.

Where such an id stands, it becomes a placeholder as a whole, or an earlier match swallows all of it, and neither
depends on which of its characters it has. Masked text must not change by it, which a test holds against the masks.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from lo2.masking.masks import Mask, Pass, mask_triggers
from lo2.masking.secrets import SWEEPS
from lo2.masking.values import KEPT

if TYPE_CHECKING:
    import polars as pl

Cut = Callable[["pl.Series"], "pl.Series"]
_TAIL = "a1a1a1a1a1a1a1a1a1a1a1"
_TOKEN = re.compile(rf"_id=(?:([A-Za-z0-9_-]{{{len(_TAIL)}}})(?=\)|, [a-uw-z])|'([a-z]-[a-z0-9]{{8}})(?=',))")
_MAY_HOLD = rf"_id=(?:[A-Za-z0-9_-]{{{len(_TAIL)}}}[),]|'[a-z]-[a-z0-9]{{8}}')"
_DASHES = 5
_NUMBER = re.compile("(?:^|-)[0-9]+(?:-|$)")

_ADDRESS = Pass.of_pattern(
    r"([\"']|,[a-z_]{1,30}=)((?:[0-9a-f]{2}:){3})[0-9a-f]{2}:[0-9a-f]{2}:[0-9a-f]{2}([\"'),\]])",
    "${1}${2}a1:a1:a1${3}",
)
_COMMANDS = "curl |smbclient |rpcclient "
"""Where one stands, a part of an address may be a user of its own."""
_DEVICE = Pass.of_pattern(
    r"([ \"'=/][a-z]{2,4})[0-9a-f]{8}-(?:[0-9][0-9a-f]|[a-f][0-9])"
    r"([\"')\]/]|,[\"']|,? (?:[0-9ac-fi-lo-rtv-z]|u[^s]|m[^Bbis]))",  # no unit and no month, which go with a number
    "${1}a1a1a1a1-1a${2}",
)
# Behind a comma and a name no secret begins of which so many characters are asked that the length of a number matters.
_COUNT = Pass.of_pattern(r"(,[a-z]{1,20}_(?:count|n?sec|len|id|port|timeout)=)[0-9]{2,}(\)|,[a-z])", "${1}1${2}")
_PREFIXED = Pass.of_pattern(r"(,[a-z]{3,20}=)(?:[0-9]x[0-9a-f]+|[0-9]+L)([,)])", "${1}1x1${2}")


def cut_hardware_addresses(texts: "pl.Series") -> "pl.Series":
    """Texts with stand-ins for hardware addresses, but for their makers.

    Examples
    --------
    >>> import polars as pl
    >>> cut_hardware_addresses(pl.Series(["lease of 'fa:16:3e:1b:a4:b0' ended"])).item()
    "lease of 'fa:16:3e:a1:a1:a1' ended"
    """
    commands = texts.str.contains(_COMMANDS)
    found = _ADDRESS.mask_texts(texts)
    return found.zip_with(~commands, texts) if commands.any() else found


def cut_random_tokens(texts: "pl.Series") -> "pl.Series":
    """Texts with stand-ins for random tokens that are the id of something.

    Examples
    --------
    >>> import polars as pl
    >>> cut_random_tokens(pl.Series(["(audit_id=qC7SImk2Teq9Ml3dTK1Avg)"])).item()
    '(audit_id=a1a1a1a1a1a1a1a1a1a1a1)'
    """
    import polars as pl  # here, as whoever takes stock of logs alone need not have it

    rows = texts.str.contains(_MAY_HOLD).arg_true()
    if not len(rows):
        return texts
    found = [_TOKEN.sub(_cut_token_match, text) for text in texts.gather(rows).to_list()]
    return texts.clone().scatter(rows, pl.Series(found, dtype=pl.String))


def _cut_token_match(match: re.Match[str]) -> str:
    if not _is_plain_token(match[1] or match[2]):
        return match[0]
    return f"_id={_TAIL}" if match[1] else f"_id='r-{_TAIL[:8]}"


@lru_cache(1 << 12)
def _is_plain_token(token: str) -> bool:
    """Whether it is a value, and no row knows anything in it."""
    return (
        any(map(str.isdecimal, token))
        and token.count("-") < _DASHES
        and _NUMBER.search(token) is None  # a part of a date, or of a code that stays
        and not any(map(token.lower().__contains__, _secret_words()))
        and _words_not_cut().match(token) is None
    )


@cache
def _secret_words() -> tuple[str, ...]:
    """In small letters, the shortest ones that a token can hold."""
    tables: Iterable[Mapping[str, Mask]] = SWEEPS
    words = {word.lower() for table in tables for row in table.values() for word in mask_triggers([row])}
    held = sorted(word for word in words if re.fullmatch("[a-z0-9_-]+", word))
    return tuple(word for word in held if not any(other in word for other in held if other != word))


@cache
def _words_not_cut() -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{row.value})" for row in KEPT.values()), re.ASCII)


SHORT_CUTS: tuple[Cut, ...] = (
    cut_hardware_addresses,
    _DEVICE.mask_texts,
    _COUNT.mask_texts,
    _PREFIXED.mask_texts,
    cut_random_tokens,
)
"""Hardware addresses, devices named after the beginning of a uuid, counts, numbers with a mark, and tokens."""
