"""The battery: what every entry of ``MODELS`` must stand, each check a sentence about one model."""

from collections.abc import Callable
from dataclasses import fields
from functools import cache
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.base import clone

from lo2.artefacts.bundle import bundle_strings, canonical_bundle_bytes, payload_from_bytes
from lo2.errors import TooFewError
from lo2.models.base import Fitted
from lo2.models.bundles import (
    EXTRA_ALLOWED,
    bundle_payload,
    card_facts,
    fitted_from_bundle,
    self_test,
    self_test_scores,
)
from lo2.models.options import TrainOptions
from lo2.models.split import split_runs
from lo2.models.table import MODELS
from lo2.models.training import predict, train
from lo2.rows import service_names
from lo2.schema import check_schema, predictions_table
from models.corpora import corpus


@cache
def data() -> tuple[pl.DataFrame, pl.Series]:
    """Corpus and split that all checks share."""
    sequences = corpus()
    return sequences, split_runs(sequences)


@cache
def trained(name: str) -> Fitted:
    """The model on the shared corpus."""
    return train(name, *data(), seed=3)


def same_seed_gives_same_scores(name: str) -> None:
    again = train(name, *data(), seed=3)
    assert trained(name).score(data()[0]).tolist() == again.score(data()[0]).tolist()


def order_of_training_rows_is_irrelevant(name: str) -> None:
    sequences, split = data()
    order = np.random.default_rng(1).permutation(sequences.height)
    shuffled = train(name, sequences[order], split[order], seed=3)
    assert trained(name).score(sequences).tolist() == shuffled.score(sequences).tolist()


def order_of_scored_rows_is_irrelevant(name: str) -> None:
    sequences, model = data()[0], trained(name)
    order = np.random.default_rng(2).permutation(sequences.height)
    np.testing.assert_allclose(model.score(sequences[order]), model.score(sequences)[order], atol=1e-12)
    np.testing.assert_allclose(model.score(sequences[:1]), model.score(sequences)[:1], atol=1e-12)


def batches_and_tokens_as_codes_change_nothing(name: str) -> None:
    sequences, split = data()
    coded = sequences.with_columns(pl.col("e_words", "e_trigrams").cast(pl.List(pl.Categorical)))
    model = train(name, coded, split, seed=3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lo2.models.base._BATCH", 7)
        scores = model.score(coded)
    np.testing.assert_allclose(scores, trained(name).score(sequences), atol=1e-12)
    assert model.oov_share(coded).equals(trained(name).oov_share(sequences))


def unseen_tokens_and_empty_lists_score_finitely(name: str) -> None:
    odd = pl.DataFrame(
        {
            "seq_id": ["a", "b"],
            "service": ["code", "never seen"],
            "e_words": [["all", "new"], []],
            "e_words_count": [[1, 2], []],
            "e_trigrams": [["all", "new"], []],
            "e_trigrams_count": [[1, 2], []],
            "e_event_sequence": [[7, 8, 9], []],
            "seq_len": [3, 0],
            "n_error": [0, 0],
            "duration_sec": [None, float("nan")],
        },
        schema_overrides={
            "e_words": pl.List(pl.String), "e_words_count": pl.List(pl.UInt32), "e_trigrams": pl.List(pl.String),
            "e_trigrams_count": pl.List(pl.UInt32), "e_event_sequence": pl.List(pl.UInt32), "duration_sec": pl.Float64,
        },
    )  # fmt: skip
    predictions = predict(trained(name), odd)
    assert predictions[f"score_{name}"].is_finite().all()
    check_schema(predictions, predictions_table(name), what=name)


def planted_anomaly_ranks_first(name: str) -> None:
    if MODELS[name].reference_only:
        return  # the standard design is there to show that it does not
    sequences, split = data()
    predictions = predict(trained(name), sequences, split).filter(pl.col("split") == "test")
    for service in ("code", "token"):
        rows = predictions.filter(pl.col("service") == service).sort(f"score_{name}", descending=True)
        normal = rows.filter(~pl.col("anomaly"))[f"score_{name}"].max()
        planted = rows.filter("anomaly")[f"score_{name}"].min()
        assert planted > normal, service


def save_load_score_equal(name: str) -> None:
    model = trained(name)
    bundle = payload_from_bytes(
        canonical_bundle_bytes(bundle_payload(model), extra_allowed=EXTRA_ALLOWED), extra_allowed=EXTRA_ALLOWED
    )
    loaded = fitted_from_bundle(bundle, {**card_facts(model), "model": name})
    assert predict(loaded, *data()).equals(predict(model, *data()))
    tests = self_test(model)
    assert len(tests) == 8
    assert self_test_scores(bundle, [test["tokens"] for test in tests]) == [test["score"] for test in tests]


def dump_holds_no_training_text(name: str) -> None:
    model = trained(name)
    data_bytes = canonical_bundle_bytes(bundle_payload(model), extra_allowed=EXTRA_ALLOWED)
    vocabulary = getattr(model.vectorizer, "vocabulary_", {})
    texts = {text for text in bundle_strings(data_bytes) if text not in vocabulary}
    assert not [text for text in texts if "run0" in text or "correct" in text or ":" in text]


def inputs_are_unchanged(name: str) -> None:
    sequences, split = data()
    before, sides = sequences.clone(), split.clone()
    predict(train(name, sequences, split), sequences, split)
    assert sequences.equals(before)
    assert split.equals(sides)


def one_row_is_a_named_error(name: str) -> None:
    sequences = corpus(3).filter(pl.col("service") == "code", ~pl.col("anomaly"))
    with pytest.raises(TooFewError, match=r"1 rows|needs both|distinct"):
        train(name, sequences, split_runs(sequences))


def one_token_is_a_named_error(name: str) -> None:
    spec, sequences = MODELS[name], corpus(8, cases=("correct",))
    if spec.column == "numeric":
        sequences = sequences.select("seq_id", "run", "service", "anomaly", "seq_len")
    else:
        same = pl.Series(spec.column, [sequences[spec.column][0][:1].to_list()] * sequences.height)
        sequences = sequences.drop(f"{spec.column}_count", strict=False)
        sequences = sequences.with_columns(same.cast(sequences.schema[spec.column]))
    with pytest.raises(TooFewError):
        train(name, sequences, split_runs(sequences))


def every_parameter_reaches_the_estimator(name: str) -> None:
    spec = MODELS[name]
    common = {f.name for f in fields(TrainOptions)}
    # Decide on columns and training rows, not on the estimator; the forest's own tests cover them.
    data_side = {"item", "numeric", "rare", "uncommon", "pseudo_share"}
    for field in fields(spec.options):
        if field.name in common | data_side:
            continue
        value = _other(field.default)
        params = spec.build(seed=5, **{field.name: value}).get_params()
        held = [v for k, v in params.items() if k == field.name or k.endswith(f"__{field.name}")]
        assert held == [value], (field.name, params)
    seeds = [v for k, v in spec.build(seed=5).get_params().items() if k.endswith("random_state")]
    assert seeds in ([], [5])


def _other(default: Any) -> Any:
    if isinstance(default, bool):
        return not default
    return 17 if default is None or isinstance(default, str) else default * 2


def estimator_keeps_the_api_of_scikit_learn(name: str) -> None:
    model, sequences = trained(name), data()[0]
    X = model.matrix(sequences)
    groups = {"groups": service_names(sequences).to_numpy()} if model.spec.grouped else {}
    normality = model.estimator.score_samples(X, **groups)
    labels = model.estimator.predict(X, **groups)
    assert set(labels.tolist()) <= {-1, 1}
    assert ((labels == -1) == (-normality >= model.thresholds.overall)).all()
    assert clone(model.estimator).get_params() == model.estimator.get_params() or model.spec.supervised
    copy = clone(model.estimator).fit(X, sequences["anomaly"].to_numpy(), **groups)
    assert np.isfinite(copy.score_samples(X, **groups)).all()


def contributions_sum_to_the_score(name: str) -> None:
    model, sequences = trained(name), data()[0]
    if model.spec.explains != "sum":
        return
    values = model.estimator.contributions(model.matrix(sequences), service_names(sequences).to_numpy())
    np.testing.assert_allclose(np.asarray(values.sum(axis=1)).ravel(), model.score(sequences), atol=1e-12)


CHECKS: tuple[Callable[[str], None], ...] = (
    same_seed_gives_same_scores,
    order_of_training_rows_is_irrelevant,
    order_of_scored_rows_is_irrelevant,
    batches_and_tokens_as_codes_change_nothing,
    unseen_tokens_and_empty_lists_score_finitely,
    planted_anomaly_ranks_first,
    save_load_score_equal,
    dump_holds_no_training_text,
    inputs_are_unchanged,
    one_row_is_a_named_error,
    one_token_is_a_named_error,
    every_parameter_reaches_the_estimator,
    estimator_keeps_the_api_of_scikit_learn,
    contributions_sum_to_the_score,
)
