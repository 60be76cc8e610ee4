"""Small parts of sentences: numbers with their noun, texts cut to a width."""


def counted(n: int, noun: str) -> str:
    """Number and noun, which gets an s unless there is one.

    Examples
    --------
    >>> counted(1, "run"), counted(2000, "run")
    ('1 run', '2,000 runs')
    """
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def cut(text: str, most: int) -> str:
    """The text, or as much of it as ``most`` characters hold with an ellipsis.

    Examples
    --------
    >>> cut("refused", 7), cut("refused", 4)
    ('refused', 'ref…')
    """
    return text if len(text) <= most else text[: most - 1] + "…"
