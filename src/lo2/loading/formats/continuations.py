"""Continuations, lines that go on with the event before them: stack traces, indented lines, closing braces."""

import re

_RAISED = (
    rb"(?:[A-Za-z_][\w$]*\.)*[A-Z]\w*(?:Exception|Error|Throwable|Failure|Warning|Interrupt|Exit)(?:: |:?$)|\*\*\* "
)
_TRACEBACK = rb"Traceback \(most recent"
_CONTINUES = (
    rb"\s|$|at \S|\.\.\. \d+ |Caused by|Suppressed: |During handling of|The above exception|goroutine \d+ \[|"
    rb"created by |[\w./$*()-]+\([^ ]*\)$|exit status \d|[})\]]+[,;]?$|\^|\{|-{4,}|={4,}$|\+ |\| |>{1,3} |"
    rb"\+-{2,}|</|stack backtrace:|note: |[A-Za-z0-9+/=]{40,}$"
)
_NAMED = rb"(?:[A-Za-z_]\w*\.){1,8}[A-Z]\w*(?:: |:?$)"  # an exception of any name ends the trace above it
_KIND = re.compile(b"|".join(b"(%b)" % pattern for pattern in (_RAISED, _TRACEBACK, _CONTINUES, _NAMED)))


NEVER, ALWAYS, AMONG = 0, 1, 2
"""Kinds of lines that no row takes: an event of its own, a continuation, one where the line before was one."""
_KINDS = ((NEVER, AMONG, NEVER, ALWAYS, AMONG), (NEVER, ALWAYS, ALWAYS, ALWAYS, AMONG))
"""By whether a log is headed and by the part of the pattern that matches."""


def kind_of_continuation(line: bytes, *, headed: bool) -> int:
    """Whether a line goes on with the event before it: ``NEVER``, ``ALWAYS``, or ``AMONG`` others that do.

    ``headed`` says that events of this log begin with a known header.

    Examples
    --------
    >>> [kind_of_continuation(line, headed=True) for line in (b"Caused by: x", b"cart opened", b"shop.Refused: x")]
    [1, 0, 2]
    """
    match = _KIND.match(line)
    return NEVER if match is None else _KINDS[headed][match.lastindex or 0]


def continues_event(line: bytes, *, headed: bool, after: bool) -> bool:
    """Whether a line that no row takes continues the event before it: indented, part of a stack trace, a closing brace.

    ``headed`` says that events of this log begin with a known header, ``after`` that the line before continued one.

    Examples
    --------
    >>> [continues_event(line, headed=True, after=False) for line in (b"Caused by: x", b"cart opened")]
    [True, False]
    """
    found = kind_of_continuation(line, headed=headed)
    return found == ALWAYS or (found == AMONG and after)
