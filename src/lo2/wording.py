"""Wording, small parts of sentences: numbers with their noun, texts cut to a width."""


def counted_noun(n: int, noun: str) -> str:
    """Number and noun, which gets an s unless there is one.

    Examples
    --------
    >>> counted_noun(1, "run"), counted_noun(2000, "run")
    ('1 run', '2,000 runs')
    """
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def cut_text(text: str, most: int) -> str:
    """The text, or as much of it as ``most`` characters hold with an ellipsis.

    Examples
    --------
    >>> cut_text("refused", 7), cut_text("refused", 4)
    ('refused', 'ref…')
    """
    return text if len(text) <= most else text[: most - 1] + "…"
