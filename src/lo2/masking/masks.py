"""Masks: one row of the table; how rows with triggers and replacements become passes, in Polars and Python alike.

A pass is ONE leftmost alternation: at every position the first row that fits wins, so the table's order is its
precedence. Passes follow each other, so that a row that needs words before its value never begins earlier than, and
thereby beats, a whole value of another pass. Patterns use the common subset of Rust's regex and Python's ``re``: no
look-around, no back-reference.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from hashlib import blake2b
from itertools import count
from typing import TYPE_CHECKING

from lo2.masking.sweeps import Twin, are_few_texts, is_small_pattern, rust_pattern, sweep_matches, sweep_replaced

if TYPE_CHECKING:
    import polars as pl

PLACEHOLDER = "<*>"
MARK = "\x00"
"""Stands for the placeholder between two passes over a table with kept words; no text has one, loading replaces it."""

_LONG = 2_000
_WORTH = 4
"""So many lots of few texts are not worth to compile a pattern for Python."""


@dataclass(frozen=True)
class Mask:
    """One shape of a value: ``before`` and ``after`` stay, ``value`` becomes the placeholder; ``keep`` keeps it all.

    Where the row fits, one of its ``triggers`` stands in the text, in any case of its letters (none: nobody knows).
    Each of ``examples`` is a text and what becomes of it: they are the row's test.
    """

    value: str
    reason: str
    before: str = ""
    after: str = ""
    keep: bool = False
    triggers: tuple[str, ...] = ()
    examples: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Pass:
    """One sweep over the text: a pattern in the common subset, and what takes the place of what it finds.

    Without a pattern for Python, which is not linear on a stranger's, single texts go the way of many.
    """

    pattern: str
    replacement: str
    python: str | None = field(compare=False, repr=False)

    @classmethod
    def of_pattern(cls, pattern: str, replacement: str) -> "Pass":
        """From a pattern, and a replacement with groups as ``${1}``."""
        return cls(rust_pattern(pattern), replacement, pattern)

    @property
    def mask_patterns(self) -> tuple[str, ...]:
        """Pattern and replacement."""
        return self.pattern, self.replacement

    def mask_texts(self, texts: "pl.Series") -> "pl.Series":
        """All of ``texts`` after the sweep."""
        if is_small_pattern(self.pattern):
            return texts.str.replace_all(self.pattern, self.replacement, literal=self.pattern == MARK)
        rows = sweep_matches(texts, self.pattern).arg_true()
        if not len(rows):
            return texts
        if 2 * len(rows) > len(texts):
            return self._mask_most_texts(texts)
        return texts.clone().scatter(rows, self._mask_most_texts(texts.gather(rows)))

    def _mask_most_texts(self, texts: "pl.Series") -> "pl.Series":
        """Mask texts most of which have a match."""
        if self.python is not None and are_few_texts(texts, self.pattern) and next(self._times) >= _WORTH:
            after = sweep_replaced(texts, self._mask_python_twin)
            if after is not None:
                return after
        return texts.str.replace_all(self.pattern, self.replacement)

    def mask_text(self, text: str) -> str:
        """One text after the sweep."""
        if self.python is None:
            return _mask_one_text(self, text)
        return _compiled_mask_pattern(self.python).sub(self._mask_replacement, text)

    def _mask_replacement(self, match: re.Match[str]) -> str:
        """What takes the place of a match."""
        return "".join((match[part] or "") if isinstance(part, int) else part for part in self._mask_replacement_groups)

    @cached_property
    def _times(self) -> Iterator[int]:
        return count()

    @cached_property
    def _mask_python_twin(self) -> Twin:
        return Twin(self.pattern, _compiled_mask_pattern(self.python or ""), self._mask_replacement)

    @cached_property
    def _mask_replacement_groups(self) -> tuple[str | int, ...]:
        """The replacement as texts and numbers of groups."""
        parts = re.split(r"\$\{(\d+)\}", self.replacement)
        return tuple(int(part) if i % 2 else part for i, part in enumerate(parts) if part)


def _mask_one_text(one: "Pass | Masking", text: str) -> str:
    import polars as pl  # here, as whoever takes stock of logs alone need not have it

    return str(one.mask_texts(pl.Series([text], dtype=pl.String)).item())


@cache
def _compiled_mask_pattern(pattern: str) -> re.Pattern[str]:
    """For single texts only: loading needs the other engine, and compiling takes longer than a small load."""
    return re.compile(pattern, re.ASCII)


@dataclass(frozen=True)
class Keeping:
    """A sweep over a table with words that stay: ``steps`` where ``guard`` finds any of these, else only ``plain``."""

    guard: str
    plain: Pass
    steps: tuple[Pass, ...]

    @property
    def mask_patterns(self) -> tuple[str, ...]:
        """Pattern and replacement of the sweep that knows the words that stay."""
        return self.steps[0].mask_patterns

    def mask_texts(self, texts: "pl.Series") -> "pl.Series":
        """All of ``texts`` after the sweep."""
        # Captured groups cost five times the sweep, and few texts hold a word that stays.
        rows = sweep_matches(texts, self.guard).arg_true()
        if not len(rows):
            return self.plain.mask_texts(texts)
        kept = texts.gather(rows)
        for step in self.steps:
            kept = step.mask_texts(kept)
        return kept if len(rows) == len(texts) else self.plain.mask_texts(texts).scatter(rows, kept)

    def mask_text(self, text: str) -> str:
        """One text after the sweep."""
        for step in self.steps:
            text = step.mask_text(text)
        return text


@dataclass(frozen=True)
class Guarded:
    """Sweeps over the texts that hold one of the ``triggers``; all others stay as they are."""

    triggers: tuple[str, ...]
    steps: tuple["Pass | Keeping | Guarded", ...]

    @property
    def mask_patterns(self) -> tuple[str, ...]:
        """Patterns and replacements of the sweeps."""
        return tuple(part for step in self.steps for part in step.mask_patterns)

    def mask_texts(self, texts: "pl.Series") -> "pl.Series":
        """All of ``texts`` after the sweeps."""
        rows = texts.str.contains_any(list(self.triggers), ascii_case_insensitive=True).arg_true()
        if not len(rows):
            return texts
        found = texts.gather(rows)
        for step in self.steps:
            found = step.mask_texts(found)
        return found if len(rows) == len(texts) else texts.clone().scatter(rows, found)

    def mask_text(self, text: str) -> str:
        """One text after the sweeps."""
        for step in self.steps:
            text = step.mask_text(text)
        return text


def guarded_masks(rows: Iterable[Mask]) -> Pass | Keeping | Guarded:
    """One sweep over a table, behind the triggers of its rows where all of them have some.

    Examples
    --------
    >>> import polars as pl
    >>> row = Mask("[0-9]+", "a pin", before="pin ", triggers=("pin",))
    >>> guarded_masks([row]).mask_texts(pl.Series(["pin 4711", "4711"])).to_list()
    ['pin <*>', '4711']
    """
    rows = list(rows)
    triggers = mask_triggers(rows)
    return Guarded(triggers, (sweep_of_masks(rows),)) if triggers else sweep_of_masks(rows)


def mask_triggers(rows: Iterable[Mask]) -> tuple[str, ...]:
    """What a text holds where any of these rows fits; nothing where one of them has no triggers."""
    rows = list(rows)
    return tuple(dict.fromkeys(one for row in rows for one in row.triggers)) if all(r.triggers for r in rows) else ()


@dataclass(frozen=True)
class Masking:
    """Passes over a text, one after the other.

    Examples
    --------
    >>> number = Mask("[0-9]+", "a number")
    >>> status = Mask("status=[0-9]+", "a status carries the signal", keep=True)
    >>> masking = Masking((sweep_of_masks([status, number]),))
    >>> masking.mask_text("status=502 after 12")
    'status=502 after <*>'
    """

    passes: tuple[Pass | Keeping | Guarded, ...]
    distinct_after: int = 0
    """After so many passes few different texts are left, so that the others go over these alone."""
    short_cuts: tuple[Callable[["pl.Series"], "pl.Series"], ...] = ()
    """Sweeps in front that change nothing in what comes out: they leave few different texts to the others."""
    digits: str | None = field(default=None, compare=False, repr=False)
    """Pattern, for Polars, of all texts whose masking may depend on which digits they have; None: any text's may."""

    @cached_property
    def keeps(self) -> str:
        """Pattern, for Polars, of texts with words that stay; empty where no pass knows any."""
        return "|".join(f"(?:{one.guard})" for one in self.passes if isinstance(one, Keeping))

    def shorten_texts(self, texts: "pl.Series") -> "pl.Series":
        """Texts that are masked alike, most of which are equal where their lines differed in an id alone."""
        for one in self.short_cuts:
            texts = one(texts)
        return texts

    def mask_texts(self, texts: "pl.Series") -> "pl.Series":
        """Every text masked, in bulk."""
        first = self.distinct_after
        for one in self.passes[:first]:
            texts = one.mask_texts(texts)
        distinct = texts.unique(maintain_order=True) if first else texts
        masked = distinct
        for one in self.passes[first:]:
            masked = one.mask_texts(masked)
        if len(distinct) == len(texts):
            return masked
        return texts.replace_strict(distinct, masked, return_dtype=texts.dtype)

    @cached_property
    def version(self) -> str:
        """Sixteen digits that stand for all patterns: equal where messages are masked alike."""
        parts = [part for one in self.passes for part in one.mask_patterns]
        return blake2b("\x00".join(parts).encode(), digest_size=8).hexdigest()

    def mask_text(self, text: str) -> str:
        """One text masked; the slow twin of ``apply``."""
        if len(text) > _LONG:  # Python's engine tries every start anew; Rust's is linear whatever the text
            return _mask_one_text(self, text)
        for one in self.passes:
            text = one.mask_text(text)
        return text


def sweep_of_masks(rows: Iterable[Mask]) -> Pass | Keeping:
    """One sweep over a table."""
    rows = list(rows)
    kept = "|".join(f"(?:{row.value})" for row in rows if row.keep)
    pieces, groups = ([f"({kept})"], ["${1}"]) if kept else ([], [])
    after: list[str] = []
    count = len(pieces)
    for row in rows:
        if row.keep:
            continue
        piece = f"(?:{row.value})"
        if row.before:
            count += 1
            groups.append(f"${{{count}}}")
            piece = f"({row.before}){piece}"
        if row.after:
            count += 1
            after.append(f"${{{count}}}")
            piece = f"{piece}({row.after})"
        pieces.append(piece)
    joined = "|".join(pieces)
    if not kept:
        return Pass.of_pattern(joined, "".join(groups) + PLACEHOLDER + "".join(after))
    plain = sweep_of_masks(row for row in rows if not row.keep)
    assert isinstance(plain, Pass)
    marked = Pass.of_pattern(joined, "".join(groups) + MARK + "".join(after))
    return Keeping(
        rust_pattern(kept),
        plain,
        # What ended with the text ends with the mark now.
        (marked, Pass.of_pattern(f"({kept.replace('|$)', '|)')}){MARK}", "${1}"), Pass.of_pattern(MARK, PLACEHOLDER)),
    )
