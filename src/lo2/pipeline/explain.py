"""``explain``, phase F over folders: what detect predicted explained, columns and raw logs chosen, results written."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl

from lo2.artefacts import provenance
from lo2.artefacts.files import read_parquet, sha256
from lo2.artefacts.layout import Home
from lo2.artefacts.outside import models_with_predictions, outside_sequences_path
from lo2.artefacts.scan import scan_unpacked_members
from lo2.diff.comparison import Comparison
from lo2.document import document_values
from lo2.errors import CheckFailedError, InputNotFoundError, UsageError
from lo2.explain.document import explanation_document
from lo2.explain.earliest import earliest_lines
from lo2.explain.explanation import Explanation, choose_explained, explain_model, refuse_to_explain
from lo2.explain.options import ExplainOptions
from lo2.explain.plots import plot_card_map
from lo2.explain.tokens import ranked_tokens_text
from lo2.loading.inventory import LoadOptions
from lo2.models.base import ORDER, Fitted
from lo2.models.options import LEADING, ForestOptions
from lo2.models.table import MODELS
from lo2.options import record_options
from lo2.pipeline.calls import detect_call
from lo2.pipeline.cards import read_fitted_with_card
from lo2.pipeline.detection import Detection
from lo2.pipeline.events import RawLogs, check_raw_tree, events_reader, raw_event_logs, raw_logs_at_hand
from lo2.pipeline.findings import run_findings
from lo2.pipeline.fitting import refit_model
from lo2.pipeline.learnt_variables import checked_with_templates, merge_learnt_variables
from lo2.pipeline.options import ExplainRunOptions
from lo2.pipeline.phase import Phase, phase
from lo2.pipeline.recorded import Recorded
from lo2.pipeline.sequences import Sequences
from lo2.pool import unpooled
from lo2.registry import Named
from lo2.report.findings_document import findings_document

_COMPARED = 64


@dataclass(frozen=True)
class ExplainResult:
    """Explanations by model, what is worth saying, and the lines of odd runs that training normals do not explain."""

    explanations: Mapping[str, Explanation]
    notes: tuple[str, ...]
    findings: Comparison


def explain_run(
    home: Home, options: ExplainRunOptions = ExplainRunOptions(), *, detection: Detection | None = None
) -> ExplainResult:
    """Explain what ``detect`` predicted in ``home`` and write ``explainability/``.

    Models come from ``detection`` where the caller has it, else from their bundles, else they are fitted again as
    ``provenance.json`` says they were.

    Raises
    ------
    CheckFailedError
        If sequences or predictions are not those that were written, or a named bundle did not make the predictions.
    """
    noted = {name: path.absolute() for name in ("root", "load_model") if (path := getattr(options, name)) is not None}
    with phase(home, "explain", accept_changed=options.accept_changed, **noted) as p:
        names = _models_to_explain(p, options)
        refuse_to_explain(MODELS[name] for name in names)
        predictions = {name: p.read("predictions", model=name) for name in names}
        wanted = (
            None
            if any(MODELS[name].column == ORDER for name in names)
            else _event_order_sequences(predictions, options)
        )
        heavy, path = _columns_to_explain(p, names), outside_sequences_path(p.home)
        table = checked_with_templates(p, path, heavy=heavy, order_of=wanted, pooled=True)
        raw = _raw_logs_to_explain(p, table, options)
        models = _FittedModels(p, table, options, detection)
        fitted = {name: models.fitted(name, predictions[name]) for name in names}
        keep_startup = p.recorded("load").options(LoadOptions).keep_startup
        found: dict[str, Explanation] = {}
        for name in names:
            table = merge_learnt_variables(table, fitted[name].variables)
            found[name] = explain_model(
                fitted[name],
                table.frame,
                predictions[name],
                options=options.explain,
                texts=table.texts or {},
                events=raw.events,
                keep_startup=keep_startup,
            )
            write_explanation(p, found[name])
        document = explanation_document(found, predictions, table.frame, options.explain)
        explanation = p.write("explanation", document_values(document))
        _write_explained_map(p, names[0])
        completed = _write_explained_runs(p, predictions[names[0]], found[names[0]])
        if completed:
            p.bind(explanation, p.path("runs"))
        variables = fitted[names[0]].variables
        odd = run_findings(p, table, predictions[names[0]], variables, raw, keep_startup=keep_startup)
        p.write("findings", findings_document(odd))
        inputs = {"load_model": sha256(options.load_model)} if options.load_model is not None else {}
        p.options = {**record_options(options.explain), "models": list(names), "inputs": inputs, "runs": completed}
        p.fingerprint = table.fingerprint
    said = [raw.why] if raw.why and raw.events is None else []
    every = (*said, *models.said, *p.notes, *(note for one in found.values() for note in one.notes))
    return ExplainResult(found, tuple(dict.fromkeys(every)), odd)


def explain_again(recorded: Recorded) -> dict[str, Any]:
    """Arguments of the recorded call."""
    names, explain = tuple(recorded.values["models"]), recorded.options(ExplainOptions)
    bundle = recorded.inputs().get("load_model")
    options = ExplainRunOptions(explain, names, skip_if="if" not in names, root=recorded.root, load_model=bundle)
    return {"options": options}


def explain_detection(detection: Detection, options: ExplainOptions) -> dict[str, Explanation]:
    """Explanations of a detection in memory, by model; lines have file and number where raw logs are at hand."""
    table = detection.sequences
    given: dict[str, Any] = {"options": options, "texts": table.texts}
    if (logs := raw_logs_at_hand(table)) is not None:
        given |= {"events": events_reader(logs), "keep_startup": logs.options.keep_startup}
    explained = {
        name: explain_model(fitted, table.frame, detection.predictions[name], **given)
        for name, fitted in detection.fitted.items()
    }
    return Named("detector", explained)


def _write_explained_runs(p: Phase, predictions: pl.DataFrame, leading: Explanation) -> bool:
    """Enter the first odd line of each explained run into ``lo2_runs.parquet``, where there is one."""
    path = p.home.path("runs")
    if not path.is_file():
        return False
    # Not as a source: it is what it was, and more.
    provenance.check_recorded_hash(p.home, path, accept_changed=p.accept_changed)
    runs = read_parquet(path)
    p.write("runs", earliest_lines(runs, predictions, leading.lines).select(runs.columns))
    return True


def _event_order_sequences(predictions: Mapping[str, pl.DataFrame], options: ExplainRunOptions) -> pl.Series:
    """Sequences that are compared event by event: the normal ones, and those that are explained."""
    normal = [frame.filter(~pl.col("anomaly").fill_null(value=True))["seq_id"] for frame in predictions.values()]
    explained = [
        choose_explained(frame, model=name, options=options.explain)["seq_id"] for name, frame in predictions.items()
    ]
    return pl.concat([*normal, *explained]).unique()


def _columns_to_explain(p: Phase, names: tuple[str, ...]) -> list[str]:
    """Templates and their order for the contrast, and what each model reads; trigrams only for who needs them."""
    made = p.recorded("detect", p.home.logical(p.home.path("predictions")))
    forest = made.options(ForestOptions, "if") if "if" in made.values else ForestOptions()
    columns = {"e_event_drain_id", *(MODELS[name].column for name in names if name != "if"), forest.item}
    return ["e_event_sequence", *columns, *(f"{column}_count" for column in columns)]


def _models_to_explain(p: Phase, options: ExplainRunOptions) -> tuple[str, ...]:
    """Models with predictions, the recommended one first, then the forest, or those that were named."""
    if not p.accept_changed and scan_unpacked_members(p.home, provenance.load_provenance(p.home)):
        raise InputNotFoundError(
            f"{p.home.result} was unpacked, with the explanations that were shared. Score and explain new logs with: "
            "lo2 score ROOT"
        )
    there = [name for name in models_with_predictions(p.home, LEADING) if name in MODELS]
    for name in options.models:
        if name not in there:
            raise UsageError(
                f"There are no predictions of {name!r}. Choices: {', '.join(there) or 'none, run lo2 detect'}"
            )
    names = [
        name
        for name in there
        if (not options.skip_if if name == "if" else not options.models or name in options.models)
    ]
    if not names:
        raise InputNotFoundError(f"{p.home.result} holds no predictions to explain. Make them with: lo2 detect")
    return tuple(names)


def _raw_logs_to_explain(p: Phase, table: Sequences, options: ExplainRunOptions) -> RawLogs:
    """The raw logs of the sequences; those of a foreign table have to be named."""
    path = outside_sequences_path(p.home)
    if path != p.home.path("sequences") and options.root is None:
        return RawLogs(None, None, f"{path} came without raw logs: lines have neither file nor number")
    raw = raw_event_logs(p, options.root)
    if options.root is not None:
        check_raw_tree(options.root, raw, table.frame)
    return raw


@dataclass
class _FittedModels:
    """The models that made the predictions of a table; ``said`` tells which were made again although there is one."""

    p: Phase
    table: Sequences
    options: ExplainRunOptions
    detection: Detection | None
    said: list[str] = field(default_factory=list)

    def fitted(self, name: str, predictions: pl.DataFrame) -> Fitted:
        """The model of this name: at hand, from its bundle, or made again as it was."""
        if self.detection is not None and name in self.detection.fitted:
            return self.detection.fitted[name]
        home, named = self.p.home, self.options.load_model if name == "if" else None
        made = home.path("predictions", model=name)
        path = named or self.p.bundle(name)
        if path.is_file() or named:
            fitted, _ = read_fitted_with_card(path)
            if _model_made_predictions(fitted, predictions, self.table):
                return fitted
            if named:
                raise CheckFailedError(
                    f"{path} did not make {made}: it was trained on other sequences, or scores or threshold differ. "
                    "Explain without --load-model, or run lo2 detect --load-model with this bundle first"
                )
            self.said.append(f"{path} did not make the predictions of {name}: the model is made again as recorded")
        recorded = self.p.recorded("detect", home.logical(made))
        if not recorded.facts:
            raise InputNotFoundError(
                f"There is neither a bundle {path} nor a record of how {name} was trained. Run {detect_call(home)}"
            )
        made_of = recorded.facts.get("input_fingerprint")
        if made_of not in (None, self.table.fingerprint) and not self.p.accept_changed:
            raise CheckFailedError(
                f"{made} is of other sequences ({str(made_of)[:12]}...) than "
                f"{outside_sequences_path(home)} holds ({self.table.fingerprint[:12]}...). Run {detect_call(home)}"
            )
        return refit_model(name, self.table, recorded, predictions=predictions)


def _model_made_predictions(fitted: Fitted, predictions: pl.DataFrame, table: Sequences) -> bool:
    """Whether this model made the predictions: same scores of some rows, all rows on the same side of the threshold."""
    name = f"score_{fitted.spec.name}"
    if name not in predictions or fitted.spec.column not in table.frame:
        return False
    score = predictions[name]
    if not ((score >= fitted.thresholds.overall) == predictions[f"pred_{fitted.spec.name}_threshold"]).all():
        return False
    some = predictions.gather_every(max(1, predictions.height // _COMPARED)).head(_COMPARED).sort("seq_id")
    rows = unpooled(table.frame.filter(pl.col("seq_id").is_in(some["seq_id"].implode()))).sort("seq_id")
    if rows.height != some.height:
        return False
    read = merge_learnt_variables(replace(table, frame=rows), fitted.variables).frame
    return bool(np.allclose(fitted.score(read), some[score.name].to_numpy(), rtol=1e-9, atol=1e-9))


def write_explanation(p: Phase, found: Explanation) -> None:
    """Write the explanations of one model under the guide's names."""
    values: dict[str, Any] = {
        "nn_mapping": found.neighbours.drop("differences"),
        "line_attribution": found.lines.drop("novel"),
        "attributions": found.attributions.frame,
        "false_positives": found.false_positives,
        "false_negatives": found.false_negatives,
        "top_tokens": ranked_tokens_text(found.tokens),
        "shap_summary": found.plot_shap_summary(),
        "shap_bar": found.plot_shap_bar(),
    }
    for name, value in values.items():
        p.write(name, value, model=found.model)


def _write_explained_map(p: Phase, model: str) -> None:
    if not p.home.path("detection_card").is_file():
        return
    frame = p.read("detection_card")
    if frame.height:
        p.write("card_map", plot_card_map(frame, detector=model))
