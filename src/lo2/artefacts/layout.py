"""The layout: which artefacts there are and where, the ``ARTEFACTS`` table; a home of roots, and homes of variants."""

import os
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lo2.errors import UsageError
from lo2.registry import lookup

_FIELD = re.compile(r"\\\{(\w+)\\\}")


# What a reviewer asks of a file. Masked text and words are pseudonymised for known patterns: hosts, paths and names of
# people may remain in them.
HOLDS = {
    "T": "raw text", "M": "masked text", "W": "words", "N": "names of runs, services, files", "H": "host",
    "P": "absolute paths", "C": "counts, scores",
}  # fmt: skip


@dataclass(frozen=True)
class Artefact:
    """One row of the table.

    ``pattern`` is relative to the result root, ``models/`` standing for the model root and ``metrics/`` for
    ``--metrics-dir``; ``{model}`` and other fields in braces vary. ``shareable`` rows go into a ZIP, Parquet ones only
    on request; ``prunable`` ones may be cleaned away; ``hashed`` ones stand in ``SHA256SUMS``. ``holds`` says what of
    the logs it holds, in words of ``HOLDS``; everything where nobody has said so. ``columns`` names those of a table, see
    ``lo2.schema.schema_columns``.
    """

    name: str
    pattern: str
    phase: str
    meaning: str
    written: str = "always"
    required: bool = False
    shareable: bool = False
    prunable: bool = False
    hashed: bool = True
    holds: tuple[str, ...] = tuple(HOLDS.values())
    columns: str = ""


def _row(
    name: str, pattern: str, phase: str, flags: str, holds: str, meaning: str, written: str = "always", *,
    columns: str = "",
) -> Artefact:  # fmt: skip
    """Row with letters for ``flags`` (Required, Shareable, Prunable, a dash where not hashed) and for what it holds."""
    required, shareable, prunable, hashed = "R" in flags, "S" in flags, "P" in flags, "-" not in flags
    held = tuple(what for letter, what in HOLDS.items() if letter in holds)
    return Artefact(name, pattern, phase, meaning, written, required, shareable, prunable, hashed, held, columns)


# fmt: off
_ROWS = (
    _row("sequences", "lo2_sequences_enhanced.parquet", "load", "RS", "WNC", "one row per sequence, features included", columns="sequences"),
    _row("base_sequences", "lo2_sequences.parquet", "load", "S", "TNC", "labels, times, joined text", "--save-base-sequences", columns="base_sequences"),
    _row("events", "lo2_events.parquet", "load", "", "TMNC", "one row per event, raw text included", "--save-events", columns="events"),
    _row("templates", "lo2_templates.parquet", "load", "RS", "MC", "masked text of every template id", columns="templates"),
    _row("quality", "lo2_quality.json", "load", "R", "TNC", "what the loader skipped, replaced and could not read"),
    _row("enhanced_cache", "enhanced/lo2_sequences_enhanced.parquet", "detect", "P", "WNC", "feature cache for notebooks", "--save-enhancers"),
    _row("predictions", "lo2_{model}_predictions.parquet", "detect", "RS", "NC", "score, rank, flag, p-value per sequence", columns="predictions"),
    _row("runs", "lo2_runs.parquet", "detect", "S", "NC", "runs: score, p-value, where to look, first odd line", columns="runs"),
    _row("comparison", "metrics/comparison.csv", "detect", "S", "NC", "detectors side by side, per log and per run"),
    _row("run_metrics_json", "metrics/{model}_run_metrics.json", "detect", "S", "NC", "the metrics of runs"),
    _row("run_metrics_csv", "metrics/{model}_run_metrics.csv", "detect", "S", "NC", "the same as a table"),
    _row("evaluation", "metrics/evaluation.json", "detect", "RS", "NC", "verdict, counts, figures, curves: one document"),
    _row("metrics_json", "metrics/{model}_metrics.json", "detect", "RS", "NC", "every metric with its interval"),
    _row("metrics_csv", "metrics/{model}_metrics.csv", "detect", "RS", "NC", "the same as a table"),
    _row("shortcuts_json", "metrics/shortcuts.json", "detect", "RS", "NC", "one-feature baselines next to the detectors"),
    _row("shortcuts_csv", "metrics/shortcuts.csv", "detect", "RS", "NC", "the same as a table"),
    _row("detection_card", "metrics/detection_card.csv", "detect", "RS", "NC", "recall and AUC per test case and service"),
    _row("model_detection_card", "metrics/detection_card_{model}.csv", "detect", "S", "NC", "the same for a further model", "--models"),
    _row("drift", "metrics/drift.csv", "detect", "RS", "NC", "hold-out against test runs: scores, volume, new tokens"),
    _row("alert_budget", "metrics/alert_budget.csv", "detect", "S", "NC", "what a budget promises per service", "--alert-budget"),
    _row("signals", "metrics/signals.csv", "detect", "RS", "WNC", "per test case and service: which token separates, if any"),
    _row("run", "metrics/run_{run}/{file}", "detect", "SP-", "WNC", "copies of a run's metrics for comparison", "every run"),
    _row("bundle", "models/lo2_if.joblib", "detect", "RS", "WC", "the tuple (IsolationForest, CountVectorizer)", "--save-model (on in run and demo)"),
    _row("card", "models/model.yml", "detect", "RS", "WNC", "parameters, sizes, thresholds, self-test", "with the bundle"),
    _row("model_bundle", "models/{model}.joblib", "detect", "S", "WNC", "a registry model", "--save-model --models"),
    _row("model_card", "models/{model}.yml", "detect", "S", "WNC", "its parameters, sizes and thresholds", "with it"),
    _row("previous", "models/previous/{file}", "detect", "-", "WNC", "bundles before the root gained runs", "run"),
    _row("reference", "models/{model}_reference.parquet", "detect", "S", "MWNC", "training lines and normals for new logs", "with a bundle"),
    _row("explanation", "explainability/explanation.json", "explain", "RSP", "MWNC", "why, per detector and sequence"),
    _row("nn_mapping", "explainability/{model}_nn_mapping.csv", "explain", "RSP", "NC", "nearest normal of every hit"),
    _row("false_positives", "explainability/{model}_false_positives.txt", "explain", "RSP", "MWNC", "normals flagged"),
    _row("false_negatives", "explainability/{model}_false_negatives.txt", "explain", "SP", "MWNC", "anomalies not flagged"),
    _row("top_tokens", "explainability/{model}_top_tokens.txt", "explain", "RSP", "WC", "tokens by mean contribution"),
    _row("line_attribution", "explainability/{model}_line_attribution.csv", "explain", "RSP", "MWNC", "contribution per line"),
    _row("card_map", "explainability/detection_card.png", "explain", "SP", "NC", "detection card as a heat map"),
    _row("attributions", "explainability/{model}_attributions.parquet", "explain", "SP", "WNC", "contribution per token"),
    _row("shap_summary", "explainability/{model}_shap_summary.png", "explain", "RSP", "WC", "SHAP values per feature"),
    _row("shap_bar", "explainability/{model}_shap_bar.png", "explain", "RSP", "WC", "mean absolute SHAP values"),
    _row("findings", "findings.json", "explain", "", "TMNC", "lines of odd test runs that training normals do not explain"),
    _row("report", "report.html", "report", "S", "MWNC", "one self-contained page"),
    _row("report_json", "report.json", "report", "S", "MWNC", "what page and closing screen show, as plain values"),
    _row("scored", "scored/{fingerprint}/{folder}/lo2_{model}_predictions.parquet", "score", "P", "NC", "predictions for other data", "score", columns="predictions"),
    _row("scored_runs", "scored/{fingerprint}/{folder}/lo2_runs.parquet", "score", "P", "NC", "runs of other data", "score", columns="runs"),
    _row("scored_explained", "scored/{fingerprint}/{folder}/explainability/{file}", "score", "P", "MWNC", "why: nearest normals, lines, tokens", "unless --no-explain"),
    _row("scored_findings", "scored/{fingerprint}/{folder}/findings.json", "score", "P", "TMNC", "lines of odd runs that training normals do not explain", "unless --no-explain"),
    _row("scored_report", "scored/{fingerprint}/{folder}/report.html", "score", "P", "TMNC", "the page of them", "unless --no-explain"),
    _row("scored_before", "scored/{fingerprint}/lo2_{model}_predictions.parquet", "score", "P", "NC", "the same by earlier versions", "earlier versions"),
    _row("provenance", "provenance.json", "run", "R", "NC", "options, seeds, versions; what was made from what"),
    _row("sums", "SHA256SUMS", "run", "R-", "N", "hashes of the above, for sha256sum -c"),
    _row("run_log", "run.log.json", "run", "-", "NHPC", "times, host, jobs and absolute paths"),
    _row("scan_summary", "lo2_result_scan.md", "run", "-", "NC", "the last scan as a page", "tools/lo2_result_scan.py"),
)
# fmt: on
ARTEFACTS: dict[str, Artefact] = {row.name: row for row in _ROWS}
# In the order in which they run; what several of them write stands under "run".
PHASE_NAMES = tuple(dict.fromkeys(row.phase for row in _ROWS if row.phase != "run"))


@dataclass(frozen=True)
class Home:
    """The folders of one data state: result root, model root, metrics folder (``result/metrics`` unless given)."""

    result: Path
    models: Path
    metrics_dir: Path | None = None

    @property
    def metrics(self) -> Path:
        """Folder of the metrics."""
        return self.metrics_dir if self.metrics_dir is not None else self.result / "metrics"

    def path(self, name: str, **fields: str) -> Path:
        """Where the artefact ``name`` lies; ``model`` is ``"if"`` unless given.

        Examples
        --------
        >>> Home(Path("out"), Path("models")).path("predictions").as_posix()
        'out/lo2_if_predictions.parquet'
        >>> Home(Path("out"), Path("models")).path("model_card", model="knn_words").as_posix()
        'models/knn_words.yml'
        """
        pattern = lookup(ARTEFACTS, name, kind="artefact").pattern
        return self.locate_artefact(pattern.format(**{"model": "if", **fields}))

    def locate_artefact(self, logical: str) -> Path:
        """Path of a name in ``provenance.json``; ``models/...`` and ``metrics/...`` are where they were put."""
        top, _, rest = logical.partition("/")
        roots = {"models": self.models, "metrics": self.metrics}
        return roots[top] / rest if rest and top in roots else self.result / logical

    def logical(self, path: Path) -> str:
        """Inverse of ``locate``: the name ``provenance.json`` lists ``path`` under.

        Raises
        ------
        ValueError
            If ``path`` lies in none of the folders.
        """
        full = path.absolute()
        for prefix, root in (("models/", self.models), ("metrics/", self.metrics), ("", self.result)):
            if full.is_relative_to(root.absolute()):
                return prefix + full.relative_to(root.absolute()).as_posix()
        raise ValueError(f"{path} lies neither under {self.result}, {self.metrics} nor {self.models}")


def home(
    output_dir: Path | None = None,
    models_dir: Path | None = None,
    *,
    metrics_dir: Path | None = None,
    variant: str | None = None,
) -> Home:
    """The folders that the common options name; ``LO2_HOME`` replaces the default result root.

    Examples
    --------
    >>> home(variant="lo2_drain").models.as_posix()
    'models/lo2_drain'
    """
    if variant is not None:
        chosen = variant_home(variant)
        if output_dir not in (None, chosen.result):
            raise UsageError(f"--variant {variant} stands for --output-dir {chosen.result}, not {output_dir}. Give one")
        return Home(chosen.result, models_dir or chosen.models, metrics_dir)
    default = Path(os.environ.get("LO2_HOME") or "demo/result/lo2")
    return Home(output_dir or default, models_dir or Path("models"), metrics_dir)


def variant_home(name: str) -> Home:
    """Folders of a variant: ``demo/result/NAME`` and ``models/NAME``."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+-]*", name):
        raise ValueError(f"variant {name!r}: expected letters, digits and . _ + -, the first a letter or digit")
    return Home(Path("demo/result") / name, Path("models") / name)


@cache
def _artefact_path_patterns() -> tuple[tuple[re.Pattern[str], Artefact], ...]:
    """Patterns as regular expressions, those without fields first."""
    rows = sorted(ARTEFACTS.values(), key=lambda row: row.pattern.count("{"))
    return tuple((re.compile(_FIELD.sub(r"(?P<\1>[^/]+)", re.escape(row.pattern))), row) for row in rows)


def identify_artefact(logical: str) -> tuple[Artefact, dict[str, str]] | None:
    """Row and fields of the artefact with this name, or None.

    Examples
    --------
    >>> row, fields = identify_artefact("explainability/lr_words_top_tokens.txt")
    >>> row.name, fields
    ('top_tokens', {'model': 'lr_words'})
    """
    for matcher, row in _artefact_path_patterns():
        found = matcher.fullmatch(logical)
        if found:
            return row, found.groupdict()
    return None
