"""The screen a run ends with: one sentence, the three most suspicious sequences, the artefacts."""

from lo2.artefacts.layout import Home
from lo2.cli.screen import say, table
from lo2.cli.tables import metrics_table, panel_table
from lo2.explain.explanation import Explanation
from lo2.pipeline.run import RunResult

_WIDTH = 160


def closing_screen(home: Home, result: RunResult) -> None:
    """Print what was found, where to look first, and that everything is there."""
    metrics_table(result.detection.evaluation)
    panel_table(result.detection.evaluation)
    say("")
    say(sentence(result))
    name = next(iter(result.explained.explanations))
    for line in suspicious(result, name):
        say(line)
    say("")
    required = [f for f in result.findings if f.required or f.problem]
    table(
        "Required artefacts",
        ["state", "bytes", "artefact"],
        [[f.state, f"{f.bytes:,}", f.path] for f in required],
        right=(1,),
    )
    wrong = sum(f.problem for f in result.findings)
    say(f"{len(required)} required artefacts, {'all present' if not wrong else f'{wrong} need attention: lo2 scan'}")
    say(f"open {result.report}")


def sentence(result: RunResult) -> str:
    """What was found, in one sentence."""
    name, predictions = next(iter(result.detection.predictions.items()))
    metrics = result.detection.evaluation.headline[name]
    test = predictions.filter(predictions["split"] == "test")
    flagged = int(test[f"pred_{name}_threshold"].sum())
    auc, recall, false = (metrics[key] for key in ("auc", "recall_at_threshold", "fp_rate_at_threshold"))
    found = f"{name} flags {flagged} of {test.height} sequences in {test['run'].n_unique()} test runs"
    if auc.value is None or recall.value is None or false.value is None:
        return f"{found}; how good that is cannot be said: {auc.why or recall.why or false.why}."
    panel = result.detection.evaluation.panel
    clears = panel.filter(panel["detector"] == name)["clears_shortcuts"].item()
    verdict = "clears" if clears else "does not clear"
    return (
        f"{found}: {recall.value:.0%} of the anomalous and {false.value:.0%} of the normal ones; "
        f"its AUC of {auc.value:.2f} {verdict} the best shortcut."
    )


def suspicious(result: RunResult, name: str, count: int = 3) -> list[str]:
    """The most suspicious sequences outside the training runs, each with a masked line and where it stands."""
    predictions = result.detection.predictions[name]
    rows = predictions.filter(predictions["split"] != "train").sort(f"rank_{name}", "seq_id").head(count)
    lines = []
    for place, row in enumerate(rows.iter_rows(named=True), 1):
        p_value = row[f"p_value_{name}"]
        chance = "" if p_value is None else f", p {p_value:.3f}"
        lines.append(f"{place}. {row['seq_id']} (score {row[f'score_{name}']:.3f}{chance})")
        lines += _line(result.explained.explanations[name], row["seq_id"])
    return lines


def _line(explanation: Explanation, seq_id: str) -> list[str]:
    found = explanation.lines.filter(explanation.lines["seq_id"] == seq_id)
    if not found.height:
        return []
    row = found.row(0, named=True)
    text = row["text"] if len(row["text"]) <= _WIDTH else row["text"][: _WIDTH - 1] + "…"
    place = f"{row['file']}:{row['line']}" if row["file"] is not None else "(raw logs not at hand)"
    return [f"   {place}", f"   {text}"]
