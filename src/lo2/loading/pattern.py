"""``--layout``: which run, case and service, told by a pattern of the path, compiled level by level."""

import re
from dataclasses import dataclass

from lo2.errors import UsageError
from lo2.loading.sources.compression import compression_ending

_PIECE = re.compile(r"\{(\w*)\}|(\*+)|([^{}*]+)|(.)")
_NAMES = ("run", "case", "service")
_WILD = 3  # in one folder or file name; more would make matching slow


@dataclass(frozen=True)
class Pattern:
    """A compiled pattern: one regular expression per level of the path, None where ``**`` stands for any levels."""

    text: str
    levels: tuple[re.Pattern[str] | None, ...]

    def match_layout(self, path: str) -> dict[str, str] | None:
        """What the placeholders stand for in ``path``; a compressed log matches by its name without that ending."""
        kind = compression_ending(path)
        found = self._match_layout_levels(0, path.split("/"))
        return found if found is not None or not kind else self._match_layout_levels(0, path[: -len(kind)].split("/"))

    def _match_layout_levels(self, level: int, names: list[str]) -> dict[str, str] | None:
        if level == len(self.levels):
            return {} if not names else None
        here = self.levels[level]
        if here is None:
            tries = (self._match_layout_levels(level + 1, names[i:]) for i in range(len(names) + 1))
            return next((found for found in tries if found is not None), None)
        if not names or (match := here.fullmatch(names[0])) is None:
            return None
        rest = self._match_layout_levels(level + 1, names[1:])
        return None if rest is None else {**match.groupdict(), **rest}


def compile_layout_pattern(text: str) -> Pattern:
    """Pattern such as ``{run}/{case}/{service}.log``; ``*`` is any part of a name, ``**`` any folders.

    Raises
    ------
    UsageError
        If it holds another placeholder, one of them twice, or too many that nothing separates.

    Examples
    --------
    >>> compile_layout_pattern("{run}/**/{service}.log").match_layout("r1/a/b/web.log.gz")
    {'run': 'r1', 'service': 'web'}
    >>> compile_layout_pattern("{run}/{case}/*.log").match_layout("r1/web.log")
    """
    seen: list[str] = []
    levels = tuple(
        None if part == "**" else _layout_level_pattern(part, seen, text) for part in text.strip("/").split("/")
    )
    if not seen:
        raise _wrong_layout_pattern(text, "it holds no placeholder")
    if levels.count(None) > _WILD:
        raise _wrong_layout_pattern(text, f"more than {_WILD} `**`")
    return Pattern(text, levels)


def _layout_level_pattern(part: str, seen: list[str], text: str) -> re.Pattern[str]:
    regex, wild, before = "", 0, ""
    for name, stars, plain, other in _PIECE.findall(part):
        here = "plain" if plain else "wild"
        if other or (not plain and not stars and name not in _NAMES):
            raise _wrong_layout_pattern(text, f"{{{name}}} is no placeholder" if name else f"unpaired {other or '{}'}")
        if name in seen:
            raise _wrong_layout_pattern(text, f"{{{name}}} occurs twice")
        if here == before == "wild":
            raise _wrong_layout_pattern(text, f"nothing separates two of its parts in {part!r}")
        seen += [name] if name else []
        wild, before = wild + (here == "wild"), here
        regex += re.escape(plain) if plain else f"(?P<{name}>.+?)" if name else ".*?"
    if not part or wild > _WILD:
        raise _wrong_layout_pattern(text, f"more than {_WILD} wildcards in {part!r}" if part else "an empty part")
    return re.compile(regex, re.DOTALL)


def _wrong_layout_pattern(text: str, why: str) -> UsageError:
    return UsageError(
        f"--layout {text!r}: {why}. Expected something like {{run}}/{{case}}/{{service}}.log, with {{run}}, {{case}}, "
        "{service}, * and **"
    )
