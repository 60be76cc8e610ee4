"""``lo2 detect``: phases D and E."""

from dataclasses import dataclass

from lo2.cli.flags import Where, flags_from_options
from lo2.cli.screen import JsonOptions, Verbosity, note, print_json, say_result
from lo2.engine import ThreadOptions
from lo2.evaluation.options import DriftLimits
from lo2.options import option
from lo2.pipeline.options import DetectOptions


@dataclass(frozen=True)
class MetricsOptions(JsonOptions):
    """What is printed."""

    list_models: bool = option(False, "List the detectors and stop")


@flags_from_options
def detect(
    options: DetectOptions,
    limits: DriftLimits,
    where: Where,
    threads: ThreadOptions,
    verbosity: Verbosity,
    output: MetricsOptions,
) -> None:
    """Train on normal runs, threshold on hold-out runs, score and evaluate on test runs.

    Example: lo2 detect --models knn_words,lof_words --if-threshold-percentile 99 --save-model
    """
    from lo2.cli.tables import budget_table, metrics_table, models_table, panel_table, print_warnings, runs_table

    if output.list_models:
        models_table()
        return
    from lo2.pipeline.detect import detect_run  # listing trains nothing

    home = where.home_from_flags()
    with threads.limit_threads():
        detection = detect_run(home, options, limits=limits)
    for text in detection.notes:
        note(text, verbosity)
    if output.json:
        print_json(
            {m: {k: v.as_dict() for k, v in found.items()} for m, found in detection.evaluation.headline.items()}
        )
        return
    print_warnings(detection)
    metrics_table(detection.evaluation)
    runs_table(detection.runs[detection.leading])
    panel_table(detection.evaluation)
    budget_table(detection)
    inside = home.metrics.absolute().is_relative_to(home.result.absolute())
    say_result(f"predictions{' and metrics' if inside else ''} are in {home.result}")
    if not inside:
        say_result(f"metrics are in {home.metrics}")
    detection.drift.refuse_drift()
