"""``lo2 explain``: phase F."""

from lo2.cli.flags import Where, flags_from_options
from lo2.cli.screen import Verbosity, note, say_result
from lo2.engine import ThreadOptions
from lo2.pipeline.options import ExplainRunOptions


@flags_from_options
def explain(options: ExplainRunOptions, where: Where, threads: ThreadOptions, verbosity: Verbosity) -> None:
    """Explain hits and mistakes: nearest normals, tokens, log lines, plots.

    Example: lo2 explain --models knn_words --nn-top-k 3 --shap-sample 500
    """
    from lo2.pipeline.explain import explain_run

    home = where.home_from_flags()
    with threads.limit_threads():
        explained = explain_run(home, options)
    for text in explained.notes:
        note(text, verbosity)
    for name, found in explained.explanations.items():
        tokens = ", ".join(found.tokens["token"].head(5))
        say_result(f"{name}: {found.attributions.rows.height} sequences explained; tokens that carry most: {tokens}")
    say_result(f"explanations are in {home.result / 'explainability'}")
