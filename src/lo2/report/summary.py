"""From the artefacts of a data state to the plain values of its report."""

from collections.abc import Iterator, Mapping
from typing import Any

from lo2.artefacts.layout import ARTEFACTS, Home, identify
from lo2.report.detectors import cards, detector, panels, shown
from lo2.report.inputs import Inputs
from lo2.report.sequences import explorer
from lo2.report.values import Fact, ReportOptions, ReportSummary
from lo2.report.verdict import judge

_MISSING = (
    ("quality", "overview", "There is no quality report (lo2_quality.json): what was skipped is not known."),
    ("provenance", "overview", "There is no provenance.json: options and files cannot be listed."),
    ("shortcuts_json", "detectors", "There is no shortcut panel (metrics/shortcuts.json): run lo2 detect."),
    ("detection_card", "card", "metrics/detection_card.csv is missing: faults without a trace are not marked."),
)  # fmt: skip


def summarise(home: Home, options: ReportOptions = ReportOptions()) -> ReportSummary:
    """Values of the report of ``home``; only the sequences must be there, what else is missing is said in its section.

    Raises ``InputNotFoundError`` without sequences; ``InputError`` or ``SchemaError`` if an artefact cannot be read.
    """
    inputs = Inputs(home, options)
    found_panels, found_cards = panels(inputs), cards(inputs)
    phases = {
        name: facts for name, facts in sorted(inputs.provenance.phases.items()) if name in ("load", "detect", "explain")
    }
    files = [entry for _, entry in sorted(inputs.provenance.artefacts.items()) if entry.phase in phases]
    sources = [phases.get("load", {}).get("options", {}), *inputs.model_cards.values()]
    return ReportSummary(
        title=f"{home.result.name or 'lo2'}: log anomalies",
        simulated=any(one.get("source") == "demo" for one in sources),
        verdict=judge(found_panels, found_cards),
        data=tuple(_data(inputs)),
        skipped=tuple(_skipped(inputs.quality)) if inputs.quality else (),
        options=tuple((name, _options(facts)) for name, facts in phases.items()),
        detectors=tuple(detector(inputs, model) for model in inputs.predictions),
        panels=found_panels,
        cards=found_cards,
        explorer=explorer(inputs),
        files=tuple((entry, known[0].meaning if (known := identify(entry.path)) else "") for entry in files),
        notes=tuple(_notes(inputs)),
    )


def _options(facts: Mapping[str, Any]) -> tuple[Fact, ...]:
    pairs = [*sorted(facts.get("options", {}).items()), ("seed", facts.get("seed"))]
    return tuple(Fact(key, shown(value)) for key, value in pairs)


def _data(inputs: Inputs) -> Iterator[Fact]:
    sequences, quality = inputs.sequences, inputs.quality
    anomalous = int(sequences["anomaly"].sum() or 0)
    yield Fact(
        "sequences", f"{sequences.height:,}", f"{sequences.height - anomalous:,} normal, {anomalous:,} anomalous"
    )
    yield Fact("runs", f"{sequences['run'].n_unique():,}")
    services = sorted(sequences["service"].drop_nulls().unique())
    yield Fact("services", f"{sequences['service'].n_unique():,}", ", ".join(services))
    yield Fact("test cases", f"{sequences['test_case'].n_unique():,}")
    counted = [name for name in ("seq_len", "continuation_lines", "startup_lines") if name in sequences.columns]
    if "lines" in quality or counted:
        yield Fact("log lines", f"{quality.get('lines', sum(int(sequences[name].sum()) for name in counted)):,}")
    if "bytes" in quality:
        yield Fact("bytes read", size(quality["bytes"]))
    times = [sequences[name].drop_nulls() for name in ("start_time", "end_time") if name in sequences.columns]
    if times and times[0].len():
        yield Fact("dates (UTC)", str(times[0].min())[:10], f"to {str(times[-1].max())[:10]}")
    if inputs.run_name:
        yield Fact("benchmark run", inputs.run_name)


def _skipped(quality: dict[str, Any]) -> Iterator[Fact]:
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


def _notes(inputs: Inputs) -> Iterator[tuple[str, str]]:
    yield from ((section, text) for name, section, text in _MISSING if not inputs.home.path(name).is_file())
    if not inputs.predictions:
        yield "detectors", f"There are no {ARTEFACTS['predictions'].pattern}: run lo2 detect."
    for model in inputs.predictions:
        if not inputs.metrics(model):
            yield "detectors", f"There are no metrics of {model}: run lo2 detect."


def size(n_bytes: int) -> str:
    """Bytes for people, in decimal units.

    Examples
    --------
    >>> size(999), size(1_500_000)
    ('999 B', '1.5 MB')
    """
    power = min((len(str(n_bytes)) - 1) // 3, 4)
    return f"{n_bytes / 1000**power:.3g} {('B', 'kB', 'MB', 'GB', 'TB')[power]}"
