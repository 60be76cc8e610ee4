"""The summary of a report: from its sources to plain values; facts as short text, odd lines from the findings."""

from collections.abc import Iterator, Mapping
from typing import Any

from lo2.artefacts.anonymise import secrets_in
from lo2.evaluation.conclusion import conclude
from lo2.evaluation.counts import count_flagged
from lo2.evaluation.figures import Counts, Verdict
from lo2.report.explorer import explorer
from lo2.report.findings_text import log_line_as_text
from lo2.report.findings_view import view_flagged_runs
from lo2.report.options import ReportOptions
from lo2.report.reasons import reasons_of_flagged
from lo2.report.sources import Sources
from lo2.report.values import FORMAT, DetectorReport, Explorer, Fact, OddLine, OddLines, ReportSummary
from lo2.wording import counted_noun

MOST = 100
"""Findings on the page; ``findings.json`` holds all."""
_LONGEST = 2_000
_CARD_KEYS = (
    "feature_set", "item_list_col", "if_params", "params", "training_rows", "holdout_rows", "threshold",
    "threshold_percentile", "generated_at", "lo2_version", "git_commit", "git_commit_why", "bundle_sha256",
    "data_fingerprint", "versions",
)  # fmt: skip
_SIMULATED = ("simulated", "demo")  # the second by earlier versions


def summarise(sources: Sources, options: ReportOptions = ReportOptions()) -> ReportSummary:
    """Values of the report of ``sources``: of a data state (``Sources.from_home(home)``), or of frames at hand."""
    evaluation, counts = sources.evaluation, _summary_counts(sources)
    given = [sources.phases.get("load", {}).get("options", {}), *sources.cards.values()]
    explained = sources.explanations
    found = explorer(sources, options)
    leading = next(iter(sources.predictions), "")
    why = next((one.sequences for one in explained.detectors if one.detector == leading), {}) if explained else {}
    return ReportSummary(
        FORMAT,
        f"{sources.title}: log anomalies",
        any(one.get("source") in _SIMULATED for one in given),
        evaluation.verdict if evaluation else _summary_verdict(counts),
        counts,
        tuple(_summary_first_figures(counts)) if counts else (),
        reasons_of_flagged(found.rows, why, explained.empty if explained else ()),
        tuple(_summary_data_facts(sources)),
        tuple(_summary_skipped_facts(sources.quality)) if sources.quality else (),
        tuple((name, _summary_option_facts(facts)) for name, facts in sources.phases.items()),
        tuple(_summary_detectors(sources, options)),
        evaluation.panels if evaluation else (),
        evaluation.cards if evaluation else (),
        found,
        sources.files,
        sources.notes,
        _summary_secret_lines(found),
        odd_lines(sources.findings, originals=sources.originals) if sources.findings else None,
    )


def _summary_secret_lines(explorer: Explorer) -> int:
    """How many distinct lines of the detail views hold a known pattern of a secret."""
    shown = {line.text for one in explorer.details for e in one.explanations for line in e.why.lines}
    return sum(bool(found) for found in secrets_in(sorted(shown)))


def _summary_counts(sources: Sources) -> Counts | None:
    """Counts of the evaluation; without one those of the leading detector's predictions."""
    if sources.evaluation is not None:
        return sources.evaluation.counts
    leading = next(iter(sources.predictions), None)
    return None if leading is None else count_flagged(sources.predictions[leading], model=leading, runs=sources.runs)


def _summary_verdict(counts: Counts | None) -> Verdict:
    if counts is None:
        return Verdict("unknown", "Nothing was scored yet: run lo2 detect.", "", ())
    return conclude((), (), counts)


def _summary_first_figures(counts: Counts) -> Iterator[Fact]:
    """The four figures that stand first."""
    untold = "too few normal logs to tell"
    flagged = "-" if counts.flagged is None else f"{counts.flagged:,}"
    yield Fact("flagged", flagged, untold if counts.flagged is None else f"of {counts.logs:,} test logs")
    if counts.labelled:
        if counts.faults:
            yield Fact(
                "faults found", "-" if counts.found is None else f"{counts.found}", f"of {counts.faults} with a trace"
            )
        wrong = "-" if counts.flagged_normals is None else f"{counts.flagged_normals:,}"
        yield Fact("false alarms", wrong, f"of {counts.normals:,} normal test logs")
    odd = "-" if counts.flagged_runs is None else f"{counts.flagged_runs:,}"
    note = f"of {counts.runs:,} {'runs and test cases' if counts.labelled else 'runs'}"
    yield Fact("odd as a whole", odd, "too few normal runs to tell" if counts.flagged_runs is None else note)


def _summary_detectors(sources: Sources, options: ReportOptions) -> Iterator[DetectorReport]:
    tokens = {one.detector: one.tokens for one in (sources.explanations.detectors if sources.explanations else ())}
    for one in sources.evaluation.detectors if sources.evaluation else ():
        card = sources.cards.get(one.name, {})
        facts = tuple(Fact(key, summary_value(card[key])) for key in _CARD_KEYS if card.get(key) is not None)
        yield DetectorReport(one, facts, tokens.get(one.name, ())[: options.report_tokens])


def _summary_option_facts(facts: Mapping[str, Any]) -> tuple[Fact, ...]:
    pairs = [*sorted(facts.get("options", {}).items()), ("seed", facts.get("seed"))]
    return tuple(Fact(key, summary_value(value)) for key, value in pairs)


def _summary_data_facts(sources: Sources) -> Iterator[Fact]:
    sequences, quality = sources.sequences, sources.quality
    labels = sequences["anomaly"].drop_nulls()
    anomalous = int(labels.sum())
    told = f"{sequences.height - anomalous:,} normal, {anomalous:,} anomalous" if labels.len() else ""
    yield Fact("sequences", f"{sequences.height:,}", told)
    for what, name in (("runs", "run"), ("services", "service"), ("test cases", "test_case")):
        if distinct := sorted(sequences[name].drop_nulls().unique()):
            yield Fact(what, f"{len(distinct):,}", ", ".join(distinct) if name == "service" else "")
    counted = [name for name in ("seq_len", "continuation_lines", "startup_lines") if name in sequences.columns]
    if "lines" in quality or counted:
        yield Fact("log lines", f"{quality.get('lines', sum(int(sequences[name].sum()) for name in counted)):,}")
    if "bytes" in quality:
        yield Fact("bytes read", summary_size(quality["bytes"]))
    times = [sequences[name].drop_nulls() for name in ("start_time", "end_time") if name in sequences.columns]
    if times and times[0].len():
        yield Fact("dates (UTC)", str(times[0].min())[:10], f"to {str(times[-1].max())[:10]}")
    if sources.run_name:
        yield Fact("benchmark run", sources.run_name)


def _summary_skipped_facts(quality: Mapping[str, Any]) -> Iterator[Fact]:
    """What the loader left out or replaced; what did not occur in one fact."""
    left_out, headers = dict(quality.get("left_out", {})), dict(quality.get("unknown_headers") or {})
    bad, example = list(quality.get("bad_files", [])), (headers.get("first") or {}).get("line", "")
    per_file = {"bytes replaced": "replaced_bytes", "bytes cut off": "truncated_bytes"}
    damaged = {label: dict(quality.get(key) or {}) for label, key in per_file.items()}
    facts = (
        ("unreadable files", len(bad), "; ".join(f"{name}: {why}" for name, why in bad[:3])),
        ("left out", sum(left_out.values()), ", ".join(f"{n:,} {reason}" for reason, n in left_out.items())),
        *((label, sum(found.values()), f"in {len(found):,} files") for label, found in damaged.items()),
        ("empty files", len(quality.get("empty_files", [])), ""),
        ("files with unknown headers", headers.get("files", 0), f"first: {example}" if example else ""),
        ("runs without a date", quality.get("undated_runs", 0), ""),
    )
    yield from (Fact(label, f"{n:,}", note) for label, n, note in facts if n)
    if none := [label for label, n, _ in facts if not n]:
        yield Fact("none of", ", ".join(none))


def summary_value(value: Any) -> str:
    """Value of an option or a card as short text.

    Examples
    --------
    >>> summary_value(0.123456789), summary_value(["a", "b"]), summary_value(None), summary_value(True)
    ('0.1235', 'a, b', '-', 'yes')
    """
    if value is None or value in ([], {}, ()):
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    if isinstance(value, dict):
        return ", ".join(f"{key} {summary_value(one)}" for key, one in value.items())
    return ", ".join(map(summary_value, value)) if isinstance(value, list | tuple) else str(value)


def summary_size(n_bytes: int) -> str:
    """Bytes for people, in decimal units.

    Examples
    --------
    >>> summary_size(999), summary_size(1_500_000)
    ('999 B', '1.5 MB')
    """
    power = min((len(str(n_bytes)) - 1) // 3, 4)
    return f"{n_bytes / 1000**power:.3g} {('B', 'kB', 'MB', 'GB', 'TB')[power]}"


def odd_lines(document: Mapping[str, Any], *, originals: bool) -> OddLines:
    """What was compared and the findings, the highest first (those in order), with original or with masked lines.

    Examples
    --------
    >>> one = {"file": "a.log", "line": 3, "kind": "new", "reason": "never", "text": "pin 12", "time": None}
    >>> one |= {"template_text": "pin <*>", "template": "0a", "service": "a", "end_line": 3}
    >>> target = {"path": "night", "lines": 9}
    >>> found = odd_lines({"findings": [one], "target": target, "runs": [], "why": None}, originals=False)
    >>> found.headline, found.lines[0].place, found.lines[0].text
    ('night: 1 of 9 lines in 1 finding', 'a.log:3', 'pin <*>')
    """
    found = list(document.get("findings") or ())
    highest = sorted(range(len(found)), key=lambda i: -(found[i].get("score") or 0.0))[:MOST]
    chosen = [*sorted(highest[: OddLines.shown]), *sorted(highest[OddLines.shown :])]
    lines = tuple(_odd_line(found[i], originals) for i in chosen)
    return OddLines(_odd_headline(document, found), lines, max(0, len(found) - MOST), originals)


def _odd_headline(document: Mapping[str, Any], found: list[Mapping[str, Any]]) -> str:
    runs = document.get("runs") or ()
    judged = f"{view_flagged_runs(one.get('flagged') for one in runs)}; " if runs else ""
    if document.get("why"):
        return log_line_as_text(f"{judged}no line was compared: {document['why']}")
    target = document["target"]
    shown = sum(one["end_line"] - one["line"] + 1 for one in found if one.get("line") is not None)
    names = str(target["path"]).split(", ")
    bad = ", ".join([*names[:3], f"{len(names) - 3} more"] if len(names) > 4 else names)
    return log_line_as_text(
        f"{judged}{bad}: {shown:,} of {target['lines']:,} lines in {counted_noun(len(found), 'finding')}"
    )


def _odd_line(one: Mapping[str, Any], originals: bool) -> OddLine:
    own = one.get("text") if originals else None
    text = "\n".join(map(log_line_as_text, str(own or one["template_text"]).split("\n")))
    place = one["service"] if one.get("line") is None else f"{one['file']}:{one['line']}"
    where, kind, reason, when, name = (
        log_line_as_text(str(value))
        for value in (place, one["kind"], one["reason"], one.get("time") or "", one["template"])
    )
    return OddLine(where, kind, reason, text[:_LONGEST], when, name)
