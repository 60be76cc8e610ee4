"""Words of a masked message: what stands between blanks and commas, level, logger and method included."""


def words(message: str) -> list[str]:
    """Words of one masked message, in order, repeated as they occur.

    Commas end a word, so that the members of a JSON body are words of their own.

    Examples
    --------
    >>> words('ERROR c.n.Handler set - {"statusCode":404,"code":"ERR12014"}')
    ['ERROR', 'c.n.Handler', 'set', '-', '{"statusCode":404', '"code":"ERR12014"}']
    """
    return message.replace(",", " ").split()
