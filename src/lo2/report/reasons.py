"""Reasons why a sequence is flagged, in a few words and one line (telling, of level ERROR), and which to read first."""

import re
from collections.abc import Mapping, Sequence

from lo2.explain.document import Explained, Line
from lo2.levels import WORDS, level_counts_as
from lo2.report.values import Hit, SequenceRow

# Tokens that say nothing by themselves: marks of stack frames and commas, digits without a word.
_WORD = re.compile(r"[^\W\d_]{2}")
_SILENT = {"at", "by", "in", "is", "of", "on", "or", "to", "the", "and", "for", "from", "with"}
FIRST, _RANKED = 3, 10
_KNOWN = 4  # weight of findings whose lines normal logs hold, too


def is_telling_reason(token: str) -> bool:
    """Whether a token says something to a reader by itself: not signs alone, nor a word such as ``the``.

    Examples
    --------
    >>> [word for word in ("at", "-", "...", "ERR12014", "refused") if is_telling_reason(word)]
    ['ERR12014', 'refused']
    """
    return bool(_WORD.search(token)) and token.lower() not in _SILENT


def is_error_line(line: Line) -> bool:
    """Whether the line begins with a level that counts as an error."""
    return level_counts_as(_reason_line_level(line)) == "error"


def _reason_line_level(line: Line) -> str:
    """Level that the line begins with; empty for text without one, as that below a stack trace."""
    return WORDS.get(line.text.split(" ", 1)[0].upper(), "")


def line_as_reason(why: Explained | None) -> Line | None:
    """The line that carries a sequence: one that no normal sequence has, of level ERROR first; else the strongest."""
    if why is None or not why.lines:
        return None
    return min(why.lines, key=lambda line: (not (line.novel and is_error_line(line)), not line.novel))


def reason_of_row(row: SequenceRow, why: Explained | None, empty: Sequence[str]) -> str:
    """What sets the sequence apart, in a few words; empty where it was not explained."""
    if row.seq_id in empty:
        return "the log is empty, normal ones of this service never are"
    line = line_as_reason(why)
    if line is not None and line.novel:
        return "no normal log holds such a line"
    if line is not None and line.contribution > 0:
        return "more frequent than in normal logs"
    if why is None:
        return ""
    near = why.neighbour
    gone = next((one for one in near.differences if not one.here), None) if near else None
    if gone is not None:
        return f"a line of normal logs is missing: {gone.text[:80]}"
    if near is not None and not near.seq_id:
        return near.why
    return "known words in unusual numbers"


def is_background_reason(row: SequenceRow, why: Explained | None, empty: Sequence[str]) -> bool:
    """Whether the log is empty and its service's normal ones are so, too: that says nothing."""
    return why is not None and not why.lines and not why.tokens and row.seq_id not in empty


def _reason_order(row: SequenceRow, why: Explained | None, empty: Sequence[str]) -> tuple[int, ...]:
    """Order in which findings are read: right ones; among them new errors, new statements, what else is new (frames of
    stack traces, text without a level), empty logs, the rest."""
    line = line_as_reason(why)
    if line is not None and line.novel:
        kind = 0 if is_error_line(line) else 1 if _reason_line_level(line) else 2
    elif row.seq_id in empty:
        kind = 3
    elif is_background_reason(row, why, empty):
        kind = _KNOWN + 2
    else:
        kind = _KNOWN + (line is not None and is_error_line(line))
    return (row.outcome == "false alarm", kind, row.ratings[0].rank or 1 << 32)


def reasons_of_flagged(
    rows: Sequence[SequenceRow], why: Mapping[str, Explained], empty: Sequence[str]
) -> tuple[Hit, ...]:
    """Flagged rows of the test side with the line that carries each; the first by rank where nobody can tell.

    Evidence first, see ``_reason_order``; the first three are of different faults and runs where there are such, and
    of different services where faults have no names. An error that normal logs hold, too, is not among them while
    there is anything else.
    """
    test = [row for row in rows if row.split == "test"]
    untold = all(row.ratings[0].flagged is None for row in test)
    flagged = test[:_RANKED] if untold else [row for row in test if row.ratings[0].flagged]
    weights = {row.seq_id: _reason_order(row, why.get(row.seq_id), empty) for row in flagged}
    left = sorted(flagged, key=lambda row: weights[row.seq_id])
    right = [row for row in left if not weights[row.seq_id][0]]
    new = [row for row in right if weights[row.seq_id][1] < _KNOWN]
    first = _different_reasons(new, ())
    first = _different_reasons([row for row in right if weights[row.seq_id][1] == _KNOWN], first) or _different_reasons(
        left, ()
    )
    ordered = [*first, *(row for row in left if row not in first)]
    return tuple(Hit(row, line_as_reason(why.get(row.seq_id))) for row in ordered)


def _different_reasons(rows: Sequence[SequenceRow], before: Sequence[SequenceRow]) -> list[SequenceRow]:
    """``before`` and as many of ``rows`` as make three: of another fault and run each, then of another of the two."""
    first = list(before)
    for both in (True, False):
        for row in rows:
            new = (
                _flagged_fault(row) not in map(_flagged_fault, first),
                row.run not in {one.run for one in first},
            )
            if len(first) < FIRST and (all(new) if both else any(new)):
                first.append(row)
    return first


def _flagged_fault(row: SequenceRow) -> str:
    return row.test_case if row.anomaly is not None else row.service
