"""Words that need a sentence: ``docs/glossary.md`` and the foot of every page hold them."""

from collections.abc import Mapping

GLOSSARY: Mapping[str, str] = {
    "sequence": "One log of one run and test case, scored, flagged and explained as a whole. Also called log.",
    "run": "One folder of logs made together, such as a night or a test session; test cases are the folders inside.",
    "flagged": "The p-value is at most the level asked, 0.05 unless given: so few normal logs look as strange.",
    "p-value": (
        "The share of normal logs of the same service that score at least as high, this one counted in. With n normal "
        "logs it cannot be below 1/(n+1); where it is as low as that, ≤ stands before it."
    ),
    "nearest normal": (
        "`knn_words`, the detector read first: how far a log is from the most similar normal one, and how many of its "
        "words no normal log holds. Also that most similar log itself."
    ),
    "if": "The Isolation Forest: a log is odd where few random questions about its words set it apart.",
    "hold-out": "Runs kept out of training to set thresholds and p-values; test runs are kept out of both.",
    "unused": "Faulty logs of training and hold-out runs: scored and listed, never trained on and in no figure.",
    "detectable": "A fault is detectable in a service if some word of its logs tells it from the normal ones.",
    "shortcut": "A single number used as a detector: length, duration, count of ERROR lines.",
    "clears": "A detector clears (beats) the shortcuts if its AUC is above the best of theirs with 95 % certainty.",
    "AUC": "The chance that a faulty log scores higher than a normal one: 0.5 is a coin, 1 is perfect.",
    "prevalence": "The share of faulty logs among those measured: the precision of guessing.",
    "bundle": "A saved model: `models/<name>.joblib`, with its card next to it that says how it was made.",
    "result root": "The folder of one state of the data, `demo/result/lo2` unless given. Models lie in `models`.",
    "phases": (
        "A input, B load, C features (`lo2 load` does A to C), D Isolation Forest, E further detectors (`lo2 detect`), "
        "F explanations (`lo2 explain`). `lo2 run` does them all."
    ),
}


def glossary_anchor(term: str) -> str:
    """Name by which a term is linked.

    Examples
    --------
    >>> glossary_anchor("nearest normal")
    'nearest-normal'
    """
    return term.lower().replace(" ", "-")
