"""Character trigrams of a masked message's text, without its level, logger and method."""

from lo2.canonical import SEPARATOR, canonical_text

MAX_TEXT = 4_000


def text_for_trigrams(message: str) -> str:
    """Message without the ``LEVEL logger method - `` in front; the whole line where there is none.

    Examples
    --------
    >>> text_for_trigrams("DEBUG c.n.Store load - Load:<*>")
    'Load:<*>'
    """
    if SEPARATOR in message:
        return canonical_text(message)
    head, found, text = message.partition(" - ")
    return text if found and len(head.split()) <= 3 else message.strip()


def trigrams(message: str) -> list[str]:
    """Overlapping trigrams of one masked message's text, in order; of a very long text only its beginning.

    Examples
    --------
    >>> trigrams("DEBUG c.n.Store load - Load")
    ['Loa', 'oad']
    """
    text = text_for_trigrams(message)[:MAX_TEXT]
    return [text[i : i + 3] for i in range(len(text) - 2)]
