"""Hostile text made visible or inert: characters that hide, reorder or command appear as escapes.

Log text, file names and member names come from strangers. Whatever is printed or written as text passes through here:
the streams of the command line and the writers of ``artefacts.files`` see to it, so that nobody has to remember.
"""

import re

# Controls, soft hyphen, zero-width and bidirectional characters, line separators, fillers, lone surrogates, tags.
HIDDEN = (
    "\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff"
)
_HIDDEN = re.compile(f"[{HIDDEN}]")
# What GitHub Actions and Azure Pipelines obey in the output of a step.
_COMMAND = re.compile(r"##(?=(?:vso)?\[)")
_LINE_COMMAND = re.compile(r"(?m)^([ \t]*)::")
_IN_LINES = re.compile(f"(?![\n\t])[{HIDDEN}]")


def visible(text: str) -> str:
    r"""``text`` with every invisible or reordering character as its escape.

    Examples
    --------
    >>> print(visible("safe\u202egnp.exe\x00"))
    safe\u202egnp.exe\x00
    """
    return _HIDDEN.sub(lambda match: _visible_escape(ord(match[0])), text)


def visible_lines(text: str) -> str:
    r"""Text of several lines with hidden characters as escapes; line feeds and tabs stay.

    Examples
    --------
    >>> print(visible_lines("one\ntwo\x1b[2J\r"))
    one
    two\x1b[2J\x0d
    """
    return _IN_LINES.sub(lambda match: _visible_escape(ord(match[0])), text)


def visible_json(text: str) -> str:
    r"""A JSON document with the same characters, and commands to build servers, escaped by the rules of JSON.

    Examples
    --------
    >>> print(visible_json('{"a": "\u202ex ##[error]"}'))
    {"a": "\u202ex #\u0023[error]"}
    """
    shown = _IN_LINES.sub(lambda match: _visible_json_escape(ord(match[0])), text)
    return _COMMAND.sub(r"#\\u0023", shown)


def inert_text(text: str) -> str:
    r"""Text of several lines that no build server takes for a command to it.

    Examples
    --------
    >>> print(inert_text("a ##[error]b\n  ::error file=c::d"))
    a #\x23[error]b
      \x3a:error file=c::d
    """
    return _LINE_COMMAND.sub(r"\1\\x3a:", _COMMAND.sub(r"#\\x23", text))


def _visible_escape(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _visible_json_escape(code: int) -> str:
    if code < 0x10000:
        return f"\\u{code:04x}"
    high, low = divmod(code - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"
