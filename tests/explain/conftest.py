"""A small world: two services, normal runs that differ a little, faults that are known."""

import numpy as np
import polars as pl
import pytest

from lo2.features.templates import template_id, template_number

TYPICAL = {
    "token": {
        "DEBUG a.Store load - Load:<*>": 20,
        "DEBUG a.Store store - Store:<*>": 10,
        "INFO a.Token get - issued": 8,
    },
    "code": {
        "DEBUG a.Path get - path /oauth2/code": 15,
        "DEBUG a.Store load - Load:<*>": 9,
        "INFO a.Code get - sent": 5,
    },
}
NOW_AND_THEN = "WARN a.Pool wait - slow"
FAULT = 'ERROR a.Handler set - {"code":"ERR12014"'


def sequence(run: str, case: str, service: str, messages: dict[str, int], **values) -> dict:
    """A row of the sequence table from its messages and how often each occurs."""
    words: dict[str, int] = {}
    grams: dict[str, int] = {}
    for message, n in messages.items():
        text = message.split(" - ")[1]
        for word in message.split():
            words[word] = words.get(word, 0) + n
        for i in range(len(text) - 2):
            grams[text[i : i + 3]] = grams.get(text[i : i + 3], 0) + n
    return {
        "seq_id": f"{run}__{case}__{service}", "run": run, "test_case": case, "service": service,
        "normal": case == "correct", "anomaly": case != "correct",
        "duration_sec": 60.0, "seq_len": sum(messages.values()), "continuation_lines": 0,
        "n_error": sum(n for m, n in messages.items() if m.startswith("ERROR")), "n_warn": 0, "n_exceptions": 0,
        "e_words": list(words), "e_words_count": list(words.values()), "e_words_len": len(words),
        "e_words_total": sum(words.values()), "e_trigrams": list(grams), "e_trigrams_count": list(grams.values()),
        "e_trigrams_len": len(grams), "e_trigrams_total": sum(grams.values()),
        "e_event_drain_id": [template_id(m) for m in messages], "e_event_drain_id_count": list(messages.values()),
        "e_event_sequence": [template_number(m) for m, n in messages.items() for _ in range(n)],
        **values,
    }  # fmt: skip


SCHEMA = {
    **{f"e_{bag}_count": pl.List(pl.UInt32) for bag in ("words", "trigrams", "event_drain_id")},
    "e_event_sequence": pl.List(pl.UInt32),
}


def make_world(runs: int = 15) -> pl.DataFrame:
    """Sequences of ``runs`` runs: both services normal, and one fault each that writes a novel word."""
    generator = np.random.default_rng(7)
    rows = []
    for i in range(runs):
        for service, typical in TYPICAL.items():
            normal = {m: int(n + generator.integers(0, 4)) for m, n in typical.items()}
            if generator.random() < 0.3:
                normal[NOW_AND_THEN] = int(generator.integers(1, 3))
            rows.append(sequence(f"run{i:02}", "correct", service, normal))
            rows.append(sequence(f"run{i:02}", "client_404", service, {**normal, FAULT: 6}))
    return pl.DataFrame(rows, schema_overrides=SCHEMA).sort("seq_id")


@pytest.fixture(scope="session")
def world() -> pl.DataFrame:
    return make_world()


@pytest.fixture(scope="session")
def texts() -> dict[str, str]:
    return {template_id(m): m for m in (*TYPICAL["token"], *TYPICAL["code"], NOW_AND_THEN, FAULT)}
