"""``lo2`` or ``tree``: the profile of a root, chosen by looking at names and headers of its files."""

import re
from collections.abc import Sequence

from lo2.loading.sources.blocks import UNREADABLE, open_raw_log
from lo2.loading.sources.files import LogFile
from lo2.loading.sources.walk import Found, Place
from lo2.loading.spots import LO2_NAME

LOGBACK = re.compile(rb"^\d\d:\d\d:\d\d\.\d{3} \[[^\]\n]*\]  ")
_SAMPLE = 8
_TRIES = 64
_HEAD = 4096
_SHARE = 4  # LO2's services are at least a quarter of the logs next to them


def choose_profile(place: Place, files: Sequence[Found]) -> str:
    """``lo2`` where logs have LO2's names and most of a few of them hold its header near their beginning."""
    known: list[Found] = []
    logs = certain = 0
    for found in files:
        if LO2_NAME.fullmatch(found.name) and (found.folders or place.single):
            known.append(found)
            certain += "oauth2-oauth2-" in found.name
        elif found.name.endswith((".log", ".log.gz")):
            logs += 1
    if place.name == "stdin" and place.single:
        known = list(files)
    if not known or (not certain and len(known) * _SHARE < logs):
        return "tree"
    known.sort(key=lambda f: (f.outer, f.offset or 0, f.relative))  # a compressed archive is read from its beginning
    votes: list[bool] = []
    for found in known[:_TRIES]:
        if len(votes) < _SAMPLE and (vote := _has_lo2_header(place, found)) is not None:
            votes.append(vote)
    return "lo2" if sum(votes) * 2 > len(votes) else "tree"


def _has_lo2_header(place: Place, found: Found) -> bool | None:
    """Whether one of the first lines has LO2's header; None for an empty log."""
    log = LogFile("", "", "", str(place.base.parent if place.single else place.base), found.relative, 0, 0)
    if found.offset is not None:
        log = LogFile("", "", "", str(place.base), found.relative, found.size_bytes, 0, found.outer, found.offset)
    try:
        with open_raw_log(log) as stream:
            lines = [line for line in stream.read(_HEAD).split(b"\n") if line.strip()]
    except UNREADABLE:
        return False
    return any(LOGBACK.match(line) for line in lines) if lines else None
