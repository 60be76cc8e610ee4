"""The conclusion: verdict, headline and sentences on detectors, faults and shortcuts, lists of them in words."""

from collections.abc import Iterable, Iterator, Sequence

from lo2.evaluation.counts import counts_sentence
from lo2.evaluation.figures import Bar, Card, Counts, Panel, Verdict

LEAK_ABOVE = 0.9
_TOLD = 4  # detectors with a sentence of their own
_MEANING = {
    "seq_len": "file length", "duration_sec": "duration", "n_error": "ERROR count",
    "position_in_run": "position in the run", "startup_lines": "start-up lines",
}  # fmt: skip


def conclude(
    panels: Sequence[Panel], cards: Sequence[Card], counts: Counts, *, warnings: Iterable[str] = ()
) -> Verdict:
    """Verdict from the shortcut panels (the first merged one, of service ``""``, counts), the cards and the counts.

    A shortcut that alone reaches an AUC of 0.9 makes it a leak: then no detector's figure says that it detects.

    Examples
    --------
    >>> conclude([], [], Counts("if", False, 9, 2, 0, 0, 3, None, 3, 0, 0, 0)).found
    '2 of 9 logs flagged'
    """
    found, said = counts_sentence(counts), tuple(warnings)
    merged = next((panel for panel in panels if not panel.service), Panel("", ()))
    detectors = [bar for bar in merged.bars if bar.kind == "detector" and bar.auc is not None]
    if not detectors:
        why = "no test log is labelled as faulty" if not counts.labelled else "no detector was measured"
        return Verdict("unknown", found, f"How good the detectors are cannot be measured here: {why}.", (), said)
    detectors.sort(key=lambda bar: -(bar.auc or 0))
    inverted = [
        f"`{bar.name}` ranks the wrong way round: its AUC is {bar.auc:.2f}." for bar in detectors if bar.inverted
    ]
    sentences = (
        *_conclusion_on_detectors(detectors, [panel for panel in panels if panel.service]),
        *inverted,
        *_conclusion_overall(panels, detectors[0].name),
        *(_conclusion_on_faults(cards[0], counts) if cards else ()),
    )
    return Verdict(*_conclusion_headline(merged, detectors, found), sentences, said)


def _conclusion_headline(merged: Panel, detectors: Sequence[Bar], found: str) -> tuple[str, str, str]:
    """Tone, what was found and the sentence of comparison."""
    shortcut, winners = merged.best_shortcut, [f"`{bar.name}`" for bar in detectors if bar.clears]
    if shortcut is not None and (shortcut.auc or 0) >= LEAK_ABOVE:
        headline = (
            f"This data gives its labels away: the {shortcut_name(shortcut)} alone reaches an AUC of "
            f"{shortcut.auc:.2f}. Good figures below are no proof of detection."
        )
        return "leak", found, headline
    beaten = f"the best shortcut ({shortcut_name(shortcut)}, AUC {shortcut.auc:.2f})" if shortcut else "chance"
    best = detectors[0]
    if all(bar.low is None for bar in detectors):
        headline = (
            f"Too few test runs to tell whether a detector beats {beaten}: the best, `{best.name}`, has an AUC of "
            f"{best.auc:.2f}, and no interval can be given."
        )
        return "unknown", found, headline
    if not winners:
        return "bad", found, f"No detector beats {beaten}: the best, `{best.name}`, has an AUC of {best.auc:.2f}."
    where = "Where the logs hold a trace of the fault, " if merged.detectable else ""
    verb, losers = "beats" if len(winners) == 1 else "beat", [f"`{b.name}`" for b in detectors if not b.clears]
    figure = f"AUC {best.auc:.2f}; " if len(winners) == 1 and best.clears else ""
    rest = f"; {list_in_words(losers)} {'does' if len(losers) == 1 else 'do'} not" if losers else ""
    headline = (
        f"{where}{list_in_words(winners)} {verb} every shortcut ({figure}the best of them, "
        f"{'chance' if shortcut is None else f'{shortcut_name(shortcut)}, {shortcut.auc:.2f}'}){rest}."
    )
    return "mixed" if losers else "good", found, headline


def shortcut_name(bar: Bar) -> str:
    """Plain name of a shortcut."""
    return _MEANING.get(bar.name, f"`{bar.name}`")


def list_in_words(names: Sequence[str]) -> str:
    """Names as a list in a sentence.

    Examples
    --------
    >>> list_in_words(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def _conclusion_on_detectors(detectors: Sequence[Bar], services: Sequence[Panel]) -> Iterator[str]:
    """One sentence per detector: its figure, and on which services it beats the shortcuts."""
    for bar in detectors[:_TOLD]:
        span = "" if bar.low is None or bar.high is None else f", 95 % interval {bar.low:.2f} to {bar.high:.2f}"
        figures = f"`{bar.name}` (AUC {bar.auc:.2f}{span})"
        measured = [(panel, found) for panel in services if (found := panel.bar_of(bar.name)) and found.auc is not None]
        clear = [f"`{panel.service}`" for panel, found in measured if found.clears]
        if not measured:
            yield f"{figures} {'beats' if bar.clears else 'does not beat'} the best shortcut."
        elif clear:
            yield f"{figures} beats the shortcuts on {len(clear)} of {len(measured)} services: {list_in_words(clear)}."
        elif bar.clears:
            yield (
                f"{figures} beats the shortcuts over all services together; within one alone, of {len(measured)} with "
                "fewer logs each, its lead may be chance."
            )
        else:
            yield f"{figures} beats the shortcuts neither over all services nor within one of the {len(measured)}."


def _conclusion_overall(panels: Sequence[Panel], name: str) -> Iterator[str]:
    """The figure over all rows, where the others are of detectable rows alone."""
    overall = next((panel.bar_of(name) for panel in panels if not panel.service and not panel.detectable), None)
    if panels[0].detectable and overall is not None and overall.auc is not None:
        yield (
            f"These figures are of faults with a trace in the log; over all test logs, silent ones included, `{name}` "
            f"has an AUC of {overall.auc:.2f}."
        )


def _conclusion_on_faults(card: Card, counts: Counts) -> Iterator[str]:
    """What is found of the faults that leave a trace somewhere; which leave none; where nobody can tell."""
    cases = {case: [cell for cell in cells if cell] for case, cells in card.rows}
    if counts.faults and counts.found is not None:
        yield (
            f"Of {counts.faults} faults with a trace in some log, `{counts.detector}` finds {counts.found}: it flags "
            "half or more of their logs where they show most."
        )
    mute = {case: cells for case, cells in cases.items() if cells and not any(cell.signal for cell in cells)}
    silent = [case for case, cells in mute.items() if all(cell.signal is False for cell in cells)]
    if silent:
        them = "it" if len(silent) == 1 else "them"
        yield f"The logs hold no trace of {_conclusion_fault_list(silent)}: nothing can find {them} there."
    if unknown := [case for case in mute if case not in silent]:
        yield f"There are too few sequences to tell whether the logs hold a trace of {_conclusion_fault_list(unknown)}."


def _conclusion_fault_list(names: Sequence[str]) -> str:
    rest = [f"{len(names) - 3} more"] if len(names) > 3 else []
    return list_in_words([*(f"`{name}`" for name in names[:3]), *rest])
