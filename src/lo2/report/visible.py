"""Hostile text made visible: characters that hide or reorder others appear as escapes."""

import re

# Controls, soft hyphen, zero-width and bidirectional characters, line separators, fillers, lone surrogates, tags.
_HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)


def visible(text: str) -> str:
    r"""``text`` with every invisible or reordering character as its escape.

    Examples
    --------
    >>> print(visible("safe\u202egnp.exe\x00"))
    safe\u202egnp.exe\x00
    """
    return _HIDDEN.sub(lambda match: _escape(ord(match[0])), text)


def _escape(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
