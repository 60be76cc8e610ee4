"""The screen a run ends with: one sentence, the three most suspicious sequences, the artefacts."""

import polars as pl

from lo2.artefacts.layout import Home
from lo2.cli.screen import counted, say, table
from lo2.cli.tables import metrics_table, panel_table, runs_table, verdict_lines
from lo2.explain.earliest import earliest_lines
from lo2.explain.explanation import Explanation
from lo2.pipeline.run import RunResult

_WIDTH = 160
_FOUND = 0.5


def closing_screen(home: Home, result: RunResult) -> None:
    """Print what was found, where to look first, and that everything is there."""
    detection = result.detection
    metrics_table(detection.evaluation)
    panel_table(detection.evaluation)
    runs_table(detection.runs[detection.leading])
    for line in earliest(result):
        say(line)
    say("")
    verdict_lines(detection)
    say(sentence(result))
    explained = result.explained.explanations
    name = detection.leading if detection.leading in explained else next(iter(explained))
    for line in suspicious(result, name):
        say(line)
    say("")
    required = [f for f in result.findings if (f.required and f.name != "run") or f.problem]
    table(
        "Required artefacts",
        ["state", "bytes", "artefact"],
        [[f.state, f"{f.bytes:,}", f.path] for f in required],
        right=(1,),
    )
    wrong = sum(f.problem for f in result.findings)
    state = f"{wrong} in need of attention: lo2 scan" if wrong else "all present"
    say(f"{counted(len(required), 'required artefact')}, {state}")
    say(f"open {result.report}")


def sentence(result: RunResult) -> str:
    """What was found, in one sentence."""
    name, predictions = next(iter(result.detection.predictions.items()))
    metrics = result.detection.evaluation.headline[name]
    test = predictions.filter(predictions["split"] == "test")
    flagged = int(test[f"flagged_{name}"].fill_null(value=False).sum())
    recall, false = metrics["recall_at_threshold"], metrics["fp_rate_at_threshold"]
    runs = counted(test["run"].n_unique(), "test run")
    judged = result.detection.runs[result.detection.leading]
    odd = f"; of runs and their test cases {judged.flagged.height} of {judged.frame.height}"
    odd = odd if judged.tellable else f"; whether a run is odd is more than {judged.n} normal ones can tell"
    found = f"{name} flags {flagged} of {test.height} sequences in {runs}"
    if recall.value is None or false.value is None:
        return f"{found}{odd}; how good that is cannot be said: {recall.why or false.why}."
    normal = test.filter(~test["anomaly"])[f"flagged_{name}"].fill_null(value=False)
    share = f" ({int(normal.sum())} of {normal.len()} normal ones)"
    return f"{found}{share}{odd}{_faults(result, name)}; {_verdict(result, name)}."


def _faults(result: RunResult, name: str) -> str:
    """How many faults it finds: half of the sequences flagged in the service whose logs show the fault most."""
    signals, card = result.detection.evaluation.signals, result.detection.evaluation.cards[name]
    if not signals["signal_in_data"].any():
        return ""
    shown = signals.filter("signal_in_data").sort(
        "p_adjusted", (pl.col("token_auc") - 0.5).abs(), descending=[False, True]
    )
    most = shown.unique("test_case", keep="first", maintain_order=True).select("test_case", "service")
    found = most.join(card, on=["test_case", "service"]).filter(pl.col("recall") >= _FOUND).height
    silent = signals["test_case"].n_unique() - most.height
    rest = f"; {silent} have no word that sets them apart" if silent else ""
    return f" and finds {found} of {most.height} faults where they show most{rest}"


def _verdict(result: RunResult, name: str) -> str:
    """Whether the detector clears the shortcuts, where there is something to find."""
    evaluation = result.detection.evaluation
    panel = evaluation.traced if evaluation.traced.height else evaluation.panel
    row = panel.filter(panel["detector"] == name).row(0, named=True)
    if row["auc"] is None:
        return "no AUC can be measured"
    where = " on logs that show a trace" if evaluation.traced.height else ""
    clears = "clears" if row["clears_shortcuts"] else "does not clear"
    return f"its AUC{where} is {row['auc']:.2f} and {clears} the best shortcut"


def earliest(result: RunResult, count: int = 3) -> list[str]:
    """The first odd line in time of the most suspicious runs, in the service to look at first, where it was explained.

    It need not be the cause.
    """
    name = result.detection.leading
    explanation = result.explained.explanations.get(name)
    if explanation is None:
        return []
    runs, known = result.detection.runs[name].frame.head(count), result.detection.predictions[name]
    found = []
    for place, run in enumerate(earliest_lines(runs, known, explanation.lines).iter_rows(named=True), 1):
        if run["text"] is not None:
            at = run["earliest_file"]
            where = f"{at}:{run['earliest_line']}" if at is not None else "(raw logs not at hand)"
            found.append(f"  {place}. earliest odd line: {where} {run['text'][:_WIDTH]}")
    return found


def suspicious(result: RunResult, name: str, count: int = 3) -> list[str]:
    """The most suspicious sequences outside the training runs, each with a masked line and where it stands.

    An empty log has no line to show, so that it never stands before one that has.
    """
    predictions = result.detection.predictions[name]
    rows = predictions.filter(predictions["split"] != "train")
    frame = result.detection.sequences.frame
    empty = frame.filter(pl.col("e_words").list.len() == 0)["seq_id"]
    rows = rows.with_columns(empty=pl.col("seq_id").is_in(empty.implode()))
    rows = rows.sort("empty", f"rank_{name}", "seq_id").head(count)
    lines = []
    for place, row in enumerate(rows.iter_rows(named=True), 1):
        p_value = row[f"p_value_{name}"]
        chance = "" if p_value is None else f", p {p_value:.3f}"
        lines.append(f"{place}. {row['seq_id']} ({row['split']}, score {row[f'score_{name}']:.3f}{chance})")
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
