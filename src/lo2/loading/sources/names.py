"""Log file names: the service, ending, rotation and replica suffix that they say, and whether a file is binary."""

import re
from dataclasses import dataclass
from functools import lru_cache

from lo2.loading.sources.compression import compression_ending

ENDINGS = ("log", "txt", "out", "err", "json", "jsonl", "ndjson", "stdout", "stderr", "export")
"""Endings of logs; of several with one stem the first drops its ending, the others keep it."""
_NOT_LOGS = frozenset(
    (
        "authors changelog config.v2 hostconfig contributing copying dockerfile licence license makefile notice "
        "package package-lock readme requirements sha256sums md5sums"
    ).split()
)
_DAY = r"(?:19|20)\d\d(?:-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])|(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))"
_DATE = rf"{_DAY}(?:[-T_.]?[0-2]\d(?:[-:.]?[0-5]\d(?:[-:.]?[0-5]\d)?)?)?Z?|1[0-9]{{9}}"
_DATED = (
    re.compile(rf"(?P<head>.+?)[-._](?P<date>{_DATE})(?:[-.](?P<count>\d{{1,3}}))?"),  # at the end of name or stem
    re.compile(rf"(?P<date>{_DATE})[-._](?P<head>\D.*)"),
)
_NUMBERED = re.compile(r"(?P<head>.*[^\d.])\.(?P<count>\d{1,4})")
_STEP = re.compile(r"-?\d+_(?P<head>.+)")
_RANDOM = (
    re.compile(r"[-_.][0-9a-f]{64}(?:-json)?$"),
    re.compile(r"[-_.][0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"),
    re.compile(r"[-_.](?=[0-9]*[a-f])(?=[a-f]*[0-9])[0-9a-f]{12}$"),
    re.compile(r"-(?=[a-z0-9]*\d[a-z]*\d)[a-z0-9]{7,10}-[a-z0-9]{5}$"),  # deployments and cron jobs
    re.compile(r"-(?=[a-z]*\d)[bcdfghjklmnpqrstvwxz2456789]{6,10}-[bcdfghjklmnpqrstvwxz2456789]{5}$"),
    re.compile(r"-(?=[a-z]*\d)(?![a-z]+\d{1,2}$)[bcdfghjklmnpqrstvwxz2456789]{5}$"),  # daemon sets
)
_POD = re.compile(r"(?:-(?=[a-z]*\d)[a-z0-9]{6,10})?-[bcdfghjklmnpqrstvwxz2456789]{5}$")
_ID = re.compile(r"[0-9a-f]{64}(?:-json)?")


@dataclass(frozen=True, slots=True)
class Name:
    """A file's name taken apart. ``age`` sorts rotated files from the oldest; ``raw`` is the stem before cuts."""

    stem: str
    ending: str
    age: tuple[int, str, int]
    replica: str = ""
    raw: str = ""


@lru_cache(maxsize=1 << 14)
def parse_log_name(name: str) -> Name | None:
    """What the name says, or None where it is not a log's name.

    Examples
    --------
    >>> [(n.stem, n.ending, n.age) for n in map(parse_log_name, ("app.log.2.gz", "app-2024-05-02.log", "app.err")) if n]
    [('app', 'log', (1, '', -2)), ('app', 'log', (0, '20240502', 0)), ('app', 'err', (2, '', 0))]
    >>> parse_log_name("picture.png"), parse_log_name(".hidden.log")
    (None, None)
    """
    if name.startswith("."):
        return None
    kind = compression_ending(name)
    plain = name[: -len(kind)] if kind and not name.lower().endswith(".tgz") else name
    body, age = _log_rotation(plain)
    stem, ending = _log_file_ending(body)
    if ending is None:
        return None
    if age[0] == 2:
        stem, age = _log_rotation(stem) if stem else (stem, age)
    if stem.lower() in _NOT_LOGS or not stem:
        return None
    raw = stem
    if ending == "txt" and (step := _STEP.fullmatch(stem)):  # a job or step of a CI run
        stem = step["head"]
    cut = name_without_replica(stem)
    return Name(cut, ending, age, "" if cut == stem else raw, cut if cut != stem else raw)


def log_name_needs_look(name: str) -> bool:
    """Whether only a file's first bytes can say that it is text: it has no ending.

    Examples
    --------
    >>> log_name_needs_look("syslog"), log_name_needs_look("syslog.1"), log_name_needs_look("app.log")
    (True, True, False)
    """
    found = parse_log_name(name)
    return found is not None and not found.ending and not compression_ending(name)


def is_binary_file(head: bytes) -> bool:
    """Whether these first bytes are not text: a NUL, and no byte order mark of UTF-16."""
    return b"\0" in head[:1024] and head[:2] not in (b"\xff\xfe", b"\xfe\xff")


def name_without_replica(name: str, *, pod: bool = False) -> str:
    """Name without the random suffix of a pod or a container; the ordinal of a stateful set stays: it is no accident.

    Examples
    --------
    >>> names = ("web-7d9c6b5f4d-x2x8q", "fluentd-x7k2p", "db-0", "web-3f4e5d6c7b8a", "my-proxy")
    >>> [name_without_replica(name) for name in names]
    ['web', 'fluentd', 'db-0', 'web', 'my-proxy']
    """
    if _ID.fullmatch(name):
        return "container"
    for pattern in (_POD, *_RANDOM) if pod else _RANDOM:
        if (found := pattern.search(name)) and found.start():
            return name[: found.start()]
    return name


def _log_rotation(name: str) -> tuple[str, tuple[int, str, int]]:
    """Name without what rotation added, and the file's age."""
    for pattern in _DATED:
        if found := pattern.fullmatch(name):
            digits = re.sub(r"\D", "", found["date"])
            return found["head"], (0, digits, int(found.groupdict().get("count") or 0))
    if found := _NUMBERED.fullmatch(name):
        return found["head"], (1, "", -int(found["count"]))
    if name.endswith((".old", ".bak")):
        return name[:-4], (1, "", -1)
    return name, (2, "", 0)


def _log_file_ending(name: str) -> tuple[str, str | None]:
    """Stem and ending; None for an ending of something else."""
    stem, dot, last = name.rpartition(".")
    if not dot or last.lower().endswith(("_log", "-log")):
        return name, ""
    if last.lower() in ENDINGS:
        return stem, last.lower()
    return name, None
