"""Token corpora that imitate normal sequences and planted faults, for the tests of models."""

import numpy as np
import polars as pl

COUNTS = {f"e_{bag}_count": pl.List(pl.UInt32) for bag in ("words", "trigrams")}
SERVICES = ("code", "token")
# Templates follow each other in this order; a fault puts another one between.
FLOW = (11, 12, 13, 14, 15)


def sequence(run: str, case: str, service: str, generator: np.random.Generator) -> dict[str, object]:
    """One row: the words of its service, some of them only now and then; a fault adds words and events of its own."""
    volume = int(generator.integers(20, 180))
    words = [f"{service}:{i}" for i in range(12)] + [f"shared:{i}" for i in range(8)]
    words += [f"background:{i}" for i in range(4) if generator.random() < 0.3]
    flow = list(FLOW) * (volume // 10)
    if case != "correct":
        words += [f"ERROR:{case}", f"{case}:trace", f"{case}:cause"]
        flow = [event for i in flow for event in ((i, 99) if i == 13 else (i,))]
    counts = generator.poisson(volume, len(words)) + 1
    trigrams = sorted({word[i : i + 3] for word in words for i in range(len(word) - 2)})
    return {
        "seq_id": f"{run}__{case}__{service}",
        "run": run,
        "test_case": case,
        "service": service,
        "anomaly": case != "correct",
        "duration_sec": float(volume),
        "seq_len": len(flow),
        "n_error": 5 if case != "correct" else int(generator.integers(0, 2)),
        "e_words": words,
        "e_words_count": counts.tolist(),
        "e_trigrams": trigrams,
        "e_trigrams_count": [2] * len(trigrams),
        "e_event_sequence": flow,
    }


def corpus(runs: int = 12, *, cases: tuple[str, ...] = ("correct", "fault"), seed: int = 0) -> pl.DataFrame:
    """``runs`` runs of two services, each with the cases, sorted by ``seq_id``."""
    generator = np.random.default_rng(seed)
    rows = [
        sequence(f"run{i:02}", case, service, generator) for i in range(runs) for case in cases for service in SERVICES
    ]
    frame = pl.DataFrame(rows, schema_overrides={**COUNTS, "e_event_sequence": pl.List(pl.UInt32)})
    return frame.with_columns(pl.col("seq_len").cast(pl.UInt32), pl.col("n_error").cast(pl.UInt32)).sort("seq_id")
