"""Slow, obvious twins of the fast paths: the oracles of the tests."""

import gzip
import re
from collections import Counter
from pathlib import Path

from lo2.features.templates import template_id, template_number
from lo2.features.trigrams import trigrams
from lo2.features.words import words
from lo2.loading.formats.startup import is_startup
from lo2.masking.profiles import mask

HEADER = re.compile(r"(\d\d):(\d\d):(\d\d)\.(\d{3}) \[[^\]]*\]  (?:[A-Za-z0-9_-]{22} | )(?=\S)")


def naive_sequence(path: Path, *, keep_startup: bool = False) -> dict[str, object]:
    """Counts and bags of one log, line by line."""
    data = gzip.open(path).read() if path.name.endswith(".gz") else path.read_bytes()
    lines = data.split(b"\n")
    if lines and lines[-1] == b"":
        lines.pop()
    result: dict[str, object] = {"times": []}
    bags = {"e_words": Counter(), "e_trigrams": Counter(), "e_event_drain_id": Counter()}
    order: list[int] = []
    counts: Counter[str] = Counter()
    for raw in lines:
        line = raw.removesuffix(b"\r").decode("utf-8", "replace").replace("\x00", "\ufffd")
        header = HEADER.match(line)
        message = mask(line[header.end() :]) if header else mask("\n" + line)
        if is_startup(message):
            counts["startup_lines"] += 1
            if not keep_startup:
                continue
        bags["e_words"].update(words(message))
        bags["e_trigrams"].update(trigrams(message))
        if header:
            hours, minutes, seconds, milliseconds = map(int, header.groups())
            result["times"].append(((hours * 60 + minutes) * 60 + seconds) * 1000 + milliseconds)
            bags["e_event_drain_id"][template_id(message)] += 1
            order.append(template_number(message))
            counts["seq_len"] += 1
            counts["n_error"] += message.startswith("ERROR ")
            counts["n_warn"] += message.startswith("WARN ")
        else:
            counts["continuation_lines"] += 1
    for name, bag in bags.items():
        result[name] = list(bag)
        result[f"{name}_count"] = list(bag.values())
    for name in ("seq_len", "n_error", "n_warn", "continuation_lines", "startup_lines"):
        result[name] = counts[name]
    result["e_event_sequence"] = order
    return result
