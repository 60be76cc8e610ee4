"""The verdict: what the figures say, in one headline and a few plain sentences."""

from collections.abc import Iterable, Sequence

from lo2.report.values import Bar, Card, Panel, Verdict

LEAK_ABOVE = 0.9
_TOLD = 4  # detectors with a sentence of their own
_MEANING = {
    "seq_len": "file length",
    "duration_sec": "duration",
    "n_error": "ERROR count",
    "position_in_run": "position in the run",
    "startup_lines": "start-up lines",
}


def judge(panels: Sequence[Panel], cards: Sequence[Card]) -> Verdict:
    """Verdict from the shortcut panels (the first merged one, of service ``""``, counts) and the detection cards.

    A shortcut that alone reaches an AUC of 0.9 makes it a leak: then no detector's figure says that it detects.

    Examples
    --------
    >>> judge([], []).tone
    'unknown'
    """
    merged = next((panel for panel in panels if not panel.service), None)
    bars = merged.bars if merged else ()
    detectors = sorted(
        (bar for bar in bars if bar.kind == "detector" and bar.auc is not None), key=lambda bar: -(bar.auc or 0)
    )
    if merged is None or not detectors:
        return Verdict("unknown", "Nothing can be said yet: no detector was measured on labelled test rows.", ())
    services = [panel for panel in panels if panel.service]
    sentences = _sentences(detectors, services)
    sentences += [
        f"`{bar.name}` ranks the wrong way round: its AUC is {bar.auc:.2f}." for bar in detectors if bar.inverted
    ]
    sentences += [*_everywhere(panels, detectors[0].name), *_found(cards), *_traceless(cards)]
    shortcut = merged.best_shortcut
    if shortcut is not None and (shortcut.auc or 0) >= LEAK_ABOVE:
        headline = (
            f"This data gives its labels away: the {name_of(shortcut)} alone reaches an AUC of {shortcut.auc:.2f}. "
            "Good figures below do not show that anything was detected."
        )
        return Verdict("leak", headline, tuple(sentences))
    winners = [bar for bar in detectors if bar.clears]
    if not winners:
        beaten = f"the best shortcut ({name_of(shortcut)}, AUC {shortcut.auc:.2f})" if shortcut else "chance"
        return Verdict("bad", f"No detector clears {beaten}.", tuple(sentences))
    names = ("Where the logs hold a trace of the fault, " if merged.traced else "") + spoken(
        [f"`{bar.name}`" for bar in winners]
    )
    losers = len(detectors) - len(winners)
    headline = (
        f"{names} {'tells' if len(winners) == 1 else 'tell'} anomalous from normal runs better than every shortcut"
    )
    headline += (
        "." if not losers else f"; {losers} of {len(detectors)} detectors {'does' if losers == 1 else 'do'} not."
    )
    return Verdict("mixed" if losers else "good", headline, tuple(sentences))


def name_of(bar: Bar) -> str:
    """Plain name of a shortcut."""
    return _MEANING.get(bar.name, f"`{bar.name}`")


def spoken(names: Iterable[str]) -> str:
    """Names as a list in a sentence.

    Examples
    --------
    >>> spoken(["a", "b", "c"])
    'a, b and c'
    """
    all_names = list(names)
    return " and ".join(filter(None, [", ".join(all_names[:-1]), *all_names[-1:]]))


def _sentences(detectors: Sequence[Bar], services: Sequence[Panel]) -> list[str]:
    """One sentence per detector that clears the shortcuts somewhere, and one for all that do so nowhere."""
    told = [(bar, _sentence(bar, services)) for bar in detectors[:_TOLD]]
    nowhere = [_figures(bar) for bar, sentence in told if not sentence] if services else []
    last = f"On no service taken by itself are the shortcuts cleared by {spoken(nowhere)}."
    return [sentence for _, sentence in told if sentence] + ([last] if nowhere else [])


def _figures(bar: Bar) -> str:
    span = f", 95 % interval {bar.low:.2f} to {bar.high:.2f}" if bar.low is not None and bar.high is not None else ""
    return f"`{bar.name}` (AUC {bar.auc:.2f}{span})"


def _sentence(bar: Bar, services: Sequence[Panel]) -> str:
    measured = [(panel, found) for panel in services if (found := panel.bar(bar.name)) and found.auc is not None]
    if not services:
        return f"{_figures(bar)} {'clears' if bar.clears else 'does not clear'} the best shortcut."
    clear = [panel.service for panel, found in measured if found.clears]
    if not clear:
        return ""
    reasons: dict[str, list[str]] = {}
    for panel, found in measured:
        best = panel.best_shortcut
        beaten = best is not None and (best.auc or 0) > 0.5 and (found.low is None or found.low <= (best.auc or 0))
        reason = f"the {name_of(best)} shortcut" if best is not None and beaten else "chance with certainty"
        reasons.setdefault(reason, []).extend([] if found.clears else [f"`{panel.service}`"])
    parts = [f"{reason} on {spoken(failed)}" for reason, failed in reasons.items() if failed]
    text = f"{_figures(bar)} separates errors from normal runs on {len(clear)} of {len(measured)} services"
    return f"{text}; it does not clear {', nor '.join(parts)}." if parts else f"{text}."


def _everywhere(panels: Sequence[Panel], name: str) -> list[str]:
    """What these figures leave out, where they are of traced rows alone."""
    overall = next((panel.bar(name) for panel in panels if not panel.service and not panel.traced), None)
    if not panels[0].traced or overall is None or overall.auc is None:
        return []
    rest = f"over all test sequences, silent ones included, `{name}` has an AUC of {overall.auc:.2f}"
    return [f"These figures leave out faults in logs that show no trace of them; {rest}."]


def _found(cards: Sequence[Card]) -> list[str]:
    """What the first detector finds of the faults that leave a trace somewhere, judged in the logs that hold it."""
    traced = [[cell for cell in cells if cell and cell.signal] for _, cells in cards[0].rows] if cards else []
    traced = [cells for cells in traced if cells]
    found = sum(any((cell.recall or 0) >= 0.5 < (cell.auc or 0) for cell in cells) for cells in traced)
    if not traced:
        return []
    text = f"Of the faults that leave a trace in some log, `{cards[0].detector}` finds {found} of {len(traced)} there"
    return [f"{text} (at least half of their sequences flagged)."]


def _traceless(cards: Sequence[Card]) -> list[str]:
    if not cards:
        return []
    silent = [case for case, cells in cards[0].rows if _silent(cells)]
    if not silent:
        return []
    some = spoken([f"`{case}`" for case in silent[:3]] + ([f"{len(silent) - 3} more"] if len(silent) > 3 else []))
    return [f"The logs hold no trace of {some}: nothing can find {'it' if len(silent) == 1 else 'them'} there."]


def _silent(cells: Iterable[object]) -> bool:
    known = [getattr(cell, "signal", None) for cell in cells if cell is not None]
    return bool(known) and all(signal is False for signal in known)
