"""Masking by profile (LO2, any program), redaction of secrets alone, and the searches for secrets.

``masking`` is what loading applies, in bulk and, as its slow twin, to one text. LO2's rows (``shapes``) are one pass in
front of the secrets (``secrets``), so that its words win. The profile of any other log takes secrets first, then whole
values, then words (``values``).
"""

from collections.abc import Iterable, Mapping
from functools import cache

from lo2.errors import UsageError
from lo2.masking.cuts import SHORT_CUTS
from lo2.masking.digits import ESCAPES, any_digit
from lo2.masking.masks import (
    Guarded,
    Keeping,
    Mask,
    Masking,
    Pass,
    guarded_masks,
    mask_triggers,
    sweep_of_masks,
)
from lo2.masking.named import FREE
from lo2.masking.people import NUMBERS
from lo2.masking.secrets import KINDS, SWEEPS
from lo2.masking.shapes import IDENTIFIERS, MASKS
from lo2.masking.shapes import SHORT_CUTS as OWN_SHORT_CUTS
from lo2.masking.sweeps import rust_pattern
from lo2.masking.user_patterns import user_pattern_pass
from lo2.masking.values import APART, JOINED, KEPT, VALUES, WORDS

PROFILES: Mapping[str, Mapping[str, Mask]] = {"lo2": MASKS, "tree": {**VALUES, **APART, **KEPT, **WORDS}}
"""Rows of each profile besidess the secrets, in the order they are tried."""


@cache
def profile_masking(
    profile: str, *, variables: tuple[str, ...] = (), redact: tuple[str, ...] = (), secrets: bool = True
) -> Masking:
    """All that is hidden in messages of ``profile``.

    Parameters
    ----------
    profile : str
        ``lo2`` or ``tree``.
    variables : tuple of str
        Further patterns of values: the group ``value`` of a match, or else all of it, becomes ``<*>``.
    redact : tuple of str
        A team's own patterns of secrets, by the same rule.
    secrets : bool
        Whether known kinds of secrets are hidden as well.

    Raises
    ------
    UsageError
        If a pattern is too long, does not compile in both engines, or looks around.

    Examples
    --------
    >>> profile_masking("tree").mask_text("Served block blk_-123 to /10.250.11.53:50010, status=502")
    'Served block <*> to <*>, status=502'
    >>> profile_masking("tree", variables=("queue (?P<value>[a-z]+)",)).mask_text("queue orders is full")
    'queue <*> is full'
    """
    if profile not in PROFILES:
        raise UsageError(f"profile {profile!r} is unknown; choose one of {', '.join(sorted(PROFILES))}")
    own = tuple(user_pattern_pass(pattern) for pattern in (*redact, *variables))
    hidden = _profile_secret_passes(numbers=profile == "lo2") if secrets else ()
    if profile == "lo2":
        cuts = () if own else tuple(Pass.of_pattern(*cut).mask_texts for cut in OWN_SHORT_CUTS.items())
        return Masking((*own, sweep_of_masks(MASKS.values()), *hidden), distinct_after=len(own) + 1, short_cuts=cuts)
    rest = (
        sweep_of_masks(VALUES.values()),
        *(sweep_of_masks([row]) for row in APART.values()),
        sweep_of_masks([*KEPT.values(), *WORDS.values()]),
        *(sweep_of_masks([row]) for row in JOINED.values()),
    )
    tables = _profile_secret_tables(numbers=False) if secrets else ()
    rows = [*(row for table in tables for row in table.values()), *_VALUE_ROWS]
    free = not own
    return Masking(
        (*own, *hidden, *rest),
        short_cuts=SHORT_CUTS if free else (),
        digits=_profile_digit_patterns(rows) if free else None,
    )


@cache
def redaction(redact: tuple[str, ...] = ()) -> Masking:
    """Secrets alone, for text that people read: the original line with secrets replaced.

    Examples
    --------
    >>> redaction().mask_text("order 4711 of eva@example.org, password=hunter")
    'order 4711 of <*>, password=<*>'
    """
    return Masking((*(user_pattern_pass(pattern) for pattern in redact), *_profile_secret_passes(numbers=True)))


_VALUE_ROWS = tuple(row for table in (VALUES, APART, KEPT, WORDS, JOINED) for row in table.values())


def _profile_secret_tables(*, numbers: bool) -> tuple[Mapping[str, Mask], ...]:
    """Tables of secrets; those made of digits alone are values of the other profile anyway."""
    return (*SWEEPS, NUMBERS) if numbers else SWEEPS


def _profile_digit_patterns(rows: Iterable[Mask]) -> str:
    """Pattern of what rows find that depends on which digits a text has."""
    patterns = [_whole_mask_pattern(row) for row in rows]
    return rust_pattern("|".join([ESCAPES, *(any_digit(one) for one in patterns if any_digit(one) != one)]))


def _profile_secret_passes(*, numbers: bool) -> tuple[Pass | Keeping | Guarded, ...]:
    return tuple(guarded_masks(table.values()) for table in _profile_secret_tables(numbers=numbers))


def _whole_mask_pattern(row: Mask) -> str:
    return f"(?:{row.before})(?:{row.value})(?:{row.after})"


def mask(text: str, *, profile: str = "lo2") -> str:
    """Return ``text`` with every value and secret replaced by ``<*>``; the slow twin of what the features do in bulk.

    Examples
    --------
    >>> mask('Load:66c2c2bd and "code":"UNSUPPORTED_GRANT_TYPE"')
    'Load:<*> and "code":"UNSUPPORTED_GRANT_TYPE"'
    """
    return profile_masking(profile).mask_text(text)


SECRETS: Mapping[str, Mask] = {**IDENTIFIERS, **{name: row for name, row in KINDS.items() if name != "guid"}}
"""Every kind of secret and identifier by name, for the exchange: what is shared is searched for all of them again."""

_FIXED = (
    "nouser none null admin user AAAAAA not_a_client_id not_service_id invalid_client_id no_id incorrect_token "
    "wrong_password 123456 invalid fail unsupported_grant localhost 127.0.0.1 0.0.0.0 authentication authorization"
)
PUBLIC = frozenset(_FIXED.split()) | {
    word for free in FREE.split("|") for word in (free, f"{free}.", free.capitalize(), free.upper())
}
"""Fixed words of the published test cases that stand where secrets stand, and are none."""


@cache
def secret_alternation() -> str:
    """All of ``SECRETS`` as one pattern for Python; every rule has three groups: before, value, after."""
    return "|".join(f"({rule.before})({rule.value})({rule.after})" for rule in SECRETS.values())


@cache
def secret_searches() -> tuple[tuple[tuple[str, ...], str], ...]:
    """Searches for ``SECRETS`` by Polars, in parts that are fast: triggers in small letters (none: any text), pattern.

    Groups would cost ten times the search, and so would all rows in one.
    """
    parts = [
        [row for name, row in table.items() if SECRETS.get(name) is row] for table in (IDENTIFIERS, *SWEEPS, NUMBERS)
    ]
    return tuple(
        (tuple(map(str.lower, mask_triggers(part))), rust_pattern("|".join(map(_whole_mask_pattern, part))))
        for part in parts
    )
