"""From the artefacts of a data state to the plain values of its report."""

from typing import Any

from lo2.artefacts.layout import ARTEFACTS, Home, identify
from lo2.artefacts.provenance import Entry
from lo2.report.detectors import cards, detector, panels, shown
from lo2.report.inputs import Inputs
from lo2.report.sequences import explorer
from lo2.report.values import Fact, ReportOptions, ReportSummary
from lo2.report.verdict import judge

_CARD_KEYS = (
    "feature_set", "item_list_col", "if_params", "params", "training_rows", "holdout_rows", "threshold",
    "threshold_percentile", "generated_at", "lo2_version", "git_commit", "git_commit_why", "bundle_sha256",
    "data_fingerprint", "versions",
)  # fmt: skip
_MISSING = {
    "quality": (
        "overview",
        "There is no quality report (lo2_quality.json): what was skipped or replaced is not known.",
    ),
    "provenance": ("overview", "There is no provenance.json: options and files cannot be listed."),
    "shortcuts_json": ("detectors", "There is no shortcut panel (metrics/shortcuts.json): run lo2 detect."),
    "detection_card": (
        "card",
        "metrics/detection_card.csv is missing: faults without a trace in the logs are not marked.",
    ),
}


DEFAULTS = ReportOptions()


def summarise(home: Home, options: ReportOptions = DEFAULTS) -> ReportSummary:
    """Values of the report of ``home``; only the sequences must be there, what else is missing is said in its section.

    Parameters
    ----------
    home : Home
        Folders of the data state.
    options : ReportOptions
        How much the page holds.

    Raises
    ------
    InputNotFoundError
        If there are no sequences.
    InputError, SchemaError
        If an artefact cannot be read or has other columns.
    """
    inputs = Inputs(home, options)
    found_panels, found_cards = panels(inputs), cards(inputs)
    load_options = inputs.provenance.phases.get("load", {}).get("options", {})
    sources = [load_options.get("source"), *(card.get("source") for card in inputs.model_cards.values())]
    return ReportSummary(
        title=f"{home.result.name or 'lo2'}: log anomalies",
        simulated="demo" in sources,
        verdict=judge(found_panels, found_cards),
        data=_data(inputs),
        skipped=_skipped(inputs.quality),
        options=_options(inputs),
        models=tuple((name, _card_facts(card)) for name, card in inputs.model_cards.items()),
        detectors=tuple(detector(inputs, model) for model in inputs.predictions),
        panels=found_panels,
        cards=found_cards,
        explorer=explorer(inputs),
        files=_files(inputs),
        notes=tuple(_notes(inputs)),
    )


def _data(inputs: Inputs) -> tuple[Fact, ...]:
    sequences, quality = inputs.sequences, inputs.quality

    def total(*names: str) -> int | None:
        present = [name for name in names if name in sequences.columns]
        return int(sum(sequences[name].sum() for name in present)) if present else None

    anomalous = int(sequences["anomaly"].sum() or 0)
    lines = quality.get("lines", total("seq_len", "continuation_lines", "startup_lines"))
    facts = [
        Fact("sequences", f"{sequences.height:,}", f"{sequences.height - anomalous:,} normal, {anomalous:,} anomalous"),
        Fact("runs", f"{sequences['run'].n_unique():,}"),
        Fact(
            "services",
            f"{sequences['service'].n_unique():,}",
            ", ".join(sorted(sequences["service"].drop_nulls().unique())),
        ),
        Fact("test cases", f"{sequences['test_case'].n_unique():,}"),
    ]
    facts += [Fact("log lines", f"{lines:,}")] if lines is not None else []
    facts += [Fact("bytes read", size(quality["bytes"]))] if "bytes" in quality else []
    dated = sequences["start_time"].drop_nulls() if "start_time" in sequences.columns else None
    if dated is not None and dated.len():
        first, last = dated.min(), sequences["end_time"].max() if "end_time" in sequences.columns else dated.max()
        facts.append(Fact("dates (UTC)", str(first)[:10], f"to {str(last)[:10]}"))
    facts += [Fact("benchmark run", inputs.run_name)] if inputs.run_name else []
    return tuple(facts)


def _skipped(quality: dict[str, Any]) -> tuple[Fact, ...]:
    if not quality:
        return ()
    left_out, headers = dict(quality.get("left_out", {})), dict(quality.get("unknown_headers") or {})
    bad = list(quality.get("bad_files", []))
    example = (headers.get("first") or {}).get("line", "")
    facts = [
        Fact("unreadable files", f"{len(bad):,}", "; ".join(f"{name}: {why}" for name, why in bad[:3])),
        Fact("left out", f"{sum(left_out.values()):,}", ", ".join(f"{n:,} {reason}" for reason, n in left_out.items())),
        *(
            _per_file(quality, key, label)
            for key, label in (("replaced_bytes", "bytes replaced"), ("truncated_bytes", "bytes cut off"))
        ),
        Fact("empty files", f"{len(quality.get('empty_files', [])):,}"),
        Fact("files with unknown headers", f"{headers.get('files', 0):,}", f"first: {example}" if example else ""),
        Fact("runs without a date", f"{quality.get('undated_runs', 0):,}"),
    ]
    none = [fact.label for fact in facts if fact.value == "0"]
    rest = [Fact("none of", ", ".join(none))] if none else []
    return (*(fact for fact in facts if fact.value != "0"), *rest)


def _per_file(quality: dict[str, Any], key: str, label: str) -> Fact:
    per_file = dict(quality.get(key) or {})
    return Fact(label, f"{sum(per_file.values()):,}", f"in {len(per_file):,} files" if per_file else "")


def _options(inputs: Inputs) -> tuple[tuple[str, tuple[Fact, ...]], ...]:
    phases = {name: facts for name, facts in inputs.provenance.phases.items() if name != "report"}
    return tuple(
        (
            name,
            (
                *(Fact(key, shown(value)) for key, value in sorted(facts.get("options", {}).items())),
                Fact("seed", shown(facts.get("seed"))),
            ),
        )
        for name, facts in sorted(phases.items())
    )


def _card_facts(card: dict[str, Any]) -> tuple[Fact, ...]:
    return tuple(Fact(key, shown(card[key])) for key in _CARD_KEYS if card.get(key) is not None)


def _files(inputs: Inputs) -> tuple[tuple[Entry, str], ...]:
    entries = [one for one in inputs.provenance.artefacts.values() if one.phase != "report"]
    known = {one.path: identify(one.path) for one in entries}
    return tuple(
        (one, row[0].meaning if (row := known[one.path]) else "") for one in sorted(entries, key=lambda e: e.path)
    )


def _notes(inputs: Inputs) -> list[tuple[str, str]]:
    notes = [pair for name, pair in _MISSING.items() if not inputs.home.path(name).is_file()]
    if not inputs.predictions:
        notes.append(("detectors", f"There are no {ARTEFACTS['predictions'].pattern}: run lo2 detect."))
    unmeasured = [model for model in inputs.predictions if not inputs.metrics(model)]
    return notes + [("detectors", f"There are no metrics of {model}: run lo2 detect.") for model in unmeasured]


def size(n_bytes: float) -> str:
    """Bytes for people, in decimal units.

    Examples
    --------
    >>> size(999), size(1_500_000)
    ('999 B', '1.5 MB')
    """
    for unit in ("B", "kB", "MB", "GB"):
        if n_bytes < 1000:
            return f"{n_bytes:.3g} {unit}" if unit != "B" else f"{n_bytes:.0f} B"
        n_bytes /= 1000
    return f"{n_bytes:.3g} TB"
