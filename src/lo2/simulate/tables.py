"""Tables of simulation facts in text files of this folder: rows of cells, and the stack traces."""

from importlib.resources import files
from string import Template

_FOLDER = files("lo2.simulate") / "tables"


def _lines_of_fact_table(name: str) -> list[str]:
    """Lines of a table without comments; ``let word = text`` stands for ``$word`` from there on."""
    known: dict[str, str] = {}
    kept = []
    for raw in (_FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        text = Template(raw).safe_substitute(known)
        if text.startswith("let "):
            word, _, value = text.removeprefix("let ").partition(" = ")
            known[word] = value
        elif text.strip() and not text.startswith("#"):
            kept.append(text)
    return kept


def simulation_table_rows(name: str) -> list[list[str]]:
    """Rows of a table, their cells stripped.

    Examples
    --------
    >>> simulation_table_rows("answers")[0]
    ['ERR10010', '500', 'RUNTIME_EXCEPTION', 'Unexpected runtime exception']
    """
    return [[cell.strip() for cell in text.split("|")] for text in _lines_of_fact_table(name)]


def simulation_traces() -> dict[str, list[str]]:
    """Physical lines of every stack trace by its name.

    Examples
    --------
    >>> simulation_traces()["no_form"][1]
    '\\tat com.networknt.oauth.token.handler.Oauth2TokenPostHandler.handleRequest(Oauth2TokenPostHandler.java:97)'
    """
    found: dict[str, list[str]] = {}
    name = ""
    for text in _lines_of_fact_table("traces"):
        if text.startswith("["):
            name = text.strip("[]")
            found[name] = []
        elif text.startswith("@"):
            found[name] += found[text[1:]]
        elif text.startswith("at ") and ": " in text:
            package, _, words = text.removeprefix("at ").partition(": ")
            found[name] += [_stack_trace_frame(package, word) for word in words.split()]
        else:
            found[name].append(f"\t{text}" if text.startswith(("at ", "...")) else text)
    return found


def _stack_trace_frame(package: str, word: str) -> str:
    """Frame of ``Class.method:line``."""
    method, _, line = word.rpartition(":")
    file = method.rsplit(".", 1)[0].rsplit(".", 1)[-1].split("$")[0]
    return f"\tat {package}.{method}({file}.java:{line})"
