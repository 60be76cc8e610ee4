"""The verdict: what the figures say, in one headline and a few plain sentences."""

from collections.abc import Iterator, Sequence

from lo2.report.values import Bar, Card, Panel, Verdict

LEAK_ABOVE = 0.9
_TOLD = 4  # detectors with a sentence of their own
_MEANING = {
    "seq_len": "file length", "duration_sec": "duration", "n_error": "ERROR count",
    "position_in_run": "position in the run", "startup_lines": "start-up lines",
}  # fmt: skip


def judge(panels: Sequence[Panel], cards: Sequence[Card]) -> Verdict:
    """Verdict from the shortcut panels (the first merged one, of service ``""``, counts) and the detection cards.

    A shortcut that alone reaches an AUC of 0.9 makes it a leak: then no detector's figure says that it detects.

    Examples
    --------
    >>> judge([], []).tone
    'unknown'
    """
    merged = next((panel for panel in panels if not panel.service), Panel("", ()))
    detectors = [bar for bar in merged.bars if bar.kind == "detector" and bar.auc is not None]
    if not detectors:
        return Verdict("unknown", "Nothing can be said yet: no detector was measured on labelled test rows.", ())
    detectors.sort(key=lambda bar: -(bar.auc or 0))
    inverted = [
        f"`{bar.name}` ranks the wrong way round: its AUC is {bar.auc:.2f}." for bar in detectors if bar.inverted
    ]
    sentences = (
        *_sentences(detectors, [panel for panel in panels if panel.service]),
        *inverted,
        *_everywhere(panels, detectors[0].name),
        *(_traces(cards[0]) if cards else ()),
    )
    shortcut, winners = merged.best_shortcut, [f"`{bar.name}`" for bar in detectors if bar.clears]
    if shortcut is not None and (shortcut.auc or 0) >= LEAK_ABOVE:
        headline = (
            f"This data gives its labels away: the {name_of(shortcut)} alone reaches an AUC of {shortcut.auc:.2f}. "
            "Good figures below do not show that anything was detected."
        )
        return Verdict("leak", headline, sentences)
    if not winners:
        beaten = f"the best shortcut ({name_of(shortcut)}, AUC {shortcut.auc:.2f})" if shortcut else "chance"
        return Verdict("bad", f"No detector clears {beaten}.", sentences)
    names = ("Where the logs hold a trace of the fault, " if merged.traced else "") + spoken(winners)
    verb, losers = "tells" if len(winners) == 1 else "tell", len(detectors) - len(winners)
    rest = f"; {losers} of {len(detectors)} detectors {'does' if losers == 1 else 'do'} not" if losers else ""
    headline = f"{names} {verb} anomalous from normal runs better than every shortcut{rest}."
    return Verdict("mixed" if losers else "good", headline, sentences)


def name_of(bar: Bar) -> str:
    """Plain name of a shortcut."""
    return _MEANING.get(bar.name, f"`{bar.name}`")


def spoken(names: Sequence[str]) -> str:
    """Names as a list in a sentence.

    Examples
    --------
    >>> spoken(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def _sentences(detectors: Sequence[Bar], services: Sequence[Panel]) -> Iterator[str]:
    """One sentence per detector that clears the shortcuts somewhere, and one for all that do so nowhere."""
    nowhere = []
    for bar in detectors[:_TOLD]:
        span = "" if bar.low is None or bar.high is None else f", 95 % interval {bar.low:.2f} to {bar.high:.2f}"
        figures = f"`{bar.name}` (AUC {bar.auc:.2f}{span})"
        measured = [(panel, found) for panel in services if (found := panel.bar(bar.name)) and found.auc is not None]
        clear = sum(bool(found.clears) for _, found in measured)
        if not services:
            yield f"{figures} {'clears' if bar.clears else 'does not clear'} the best shortcut."
        elif not clear:
            nowhere.append(figures)
        else:
            text = f"{figures} separates errors from normal runs on {clear} of {len(measured)} services"
            parts = _failures(measured)
            yield f"{text}; it does not clear {', nor '.join(parts)}." if parts else f"{text}."
    if nowhere:
        yield f"On no service taken by itself are the shortcuts cleared by {spoken(nowhere)}."


def _failures(measured: Sequence[tuple[Panel, Bar]]) -> list[str]:
    """What is not cleared, and on which services, the reasons in the order of the panels."""
    reasons: dict[str, list[str]] = {}
    for panel, found in measured:
        best = panel.best_shortcut
        beaten = best is not None and (best.auc or 0) > 0.5 and (found.low is None or found.low <= (best.auc or 0))
        reason = f"the {name_of(best)} shortcut" if best is not None and beaten else "chance with certainty"
        reasons.setdefault(reason, []).extend([] if found.clears else [f"`{panel.service}`"])
    return [f"{reason} on {spoken(failed)}" for reason, failed in reasons.items() if failed]


def _everywhere(panels: Sequence[Panel], name: str) -> Iterator[str]:
    """What these figures leave out, where they are of traced rows alone."""
    overall = next((panel.bar(name) for panel in panels if not panel.service and not panel.traced), None)
    if panels[0].traced and overall is not None and overall.auc is not None:
        rest = f"over all test sequences, silent ones included, `{name}` has an AUC of {overall.auc:.2f}"
        yield f"These figures leave out faults in logs that show no trace of them; {rest}."


def _traces(card: Card) -> Iterator[str]:
    """What a detector finds of the faults that leave a trace somewhere; which leave none; where nobody can tell."""
    cases = {case: [cell for cell in cells if cell] for case, cells in card.rows}
    traced = [heard for cells in cases.values() if (heard := [cell for cell in cells if cell.signal])]
    if traced:
        found = sum(any((cell.recall or 0) >= 0.5 < (cell.auc or 0) for cell in cells) for cells in traced)
        text = f"Of the faults that leave a trace in some log, `{card.detector}` finds {found} of {len(traced)} there"
        yield f"{text} (at least half of their sequences flagged)."
    mute = {case: cells for case, cells in cases.items() if cells and not any(cell.signal for cell in cells)}
    silent = [case for case, cells in mute.items() if all(cell.signal is False for cell in cells)]
    if silent:
        them = "it" if len(silent) == 1 else "them"
        yield f"The logs hold no trace of {_some(silent)}: nothing can find {them} there."
    if unknown := [case for case in mute if case not in silent]:
        yield f"There are too few sequences to tell whether the logs hold a trace of {_some(unknown)}."


def _some(names: Sequence[str]) -> str:
    rest = [f"{len(names) - 3} more"] if len(names) > 3 else []
    return spoken([*(f"`{name}`" for name in names[:3]), *rest])
