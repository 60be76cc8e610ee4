"""Lines that go on with the event before them: stack traces, indented lines, closing braces."""

import re

_CONTINUES = re.compile(
    rb"\s|$|at \S|\.\.\. \d+ |Caused by|Suppressed: |During handling of|The above exception|goroutine \d+ \[|"
    rb"created by |[\w./$*()-]+\([^ ]*\)$|exit status \d|[})\]]+[,;]?$|\^|\{|-{4,}|={4,}$|\+ |\| |>{1,3} |"
    rb"\+-{2,}|</|stack backtrace:|note: |[A-Za-z0-9+/=]{40,}$"
)
_RAISED = re.compile(
    rb"(?:[A-Za-z_][\w$]*\.)*[A-Z]\w*(?:Exception|Error|Throwable|Failure|Warning|Interrupt|Exit)(?:: |:?$)|\*\*\* "
)
_TRACEBACK = re.compile(rb"Traceback \(most recent")


def continues(line: bytes, *, headed: bool, after: bool) -> bool:
    """Whether a line that no row takes continues the event before it: indented, part of a stack trace, a closing brace.

    ``headed`` says that events of this log begin with a known header, ``after`` that the line before continued one.

    Examples
    --------
    >>> continues(b"Caused by: x", headed=True, after=False), continues(b"cart opened", headed=True, after=False)
    (True, False)
    """
    if _RAISED.match(line):
        return headed or after
    if _TRACEBACK.match(line):
        return headed
    return _CONTINUES.match(line) is not None
