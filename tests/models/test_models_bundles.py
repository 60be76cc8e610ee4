"""Bundles: plain tuples, cards, self-tests, and bundles made elsewhere."""

import numpy as np
import polars as pl
import pytest
import yaml
from sklearn.ensemble import IsolationForest
from sklearn.feature_extraction.text import CountVectorizer

from lo2.errors import InputError, UntrustedBundleError
from lo2.models.bundles import (
    bundle_payload,
    card_facts,
    card_parameters,
    fitted_from_bundle,
    self_test,
    self_test_scores,
)
from lo2.models.options import ForestOptions
from lo2.models.split import split_runs
from lo2.models.training import predict, train
from models.corpora import corpus


@pytest.fixture(scope="module")
def fitted():
    sequences = corpus(12)
    return train("if", sequences, split_runs(sequences), options=ForestOptions(n_estimators=20, numeric=("seq_len",)))


def test_card_survives_yaml_and_gives_the_model_back(fitted):
    sequences = corpus(4, seed=5)
    card = yaml.safe_load(yaml.safe_dump({**card_facts(fitted), "model": "if"}))
    again = fitted_from_bundle(bundle_payload(fitted), card)
    assert predict(again, sequences).equals(predict(fitted, sequences))
    assert (again.options, again.thresholds, again.numeric) == (fitted.options, fitted.thresholds, ("seq_len",))
    assert card["feature_set"] == "words+numeric"
    assert card["if_params"] == card_parameters(fitted.options, seed=fitted.seed)
    assert card["if_params"]["buckets"] == ["novel", "rare", "uncommon", "common"]
    assert card["inputs"][-1] == {"column": "seq_len", "type": "numeric"}


def test_self_test_holds_an_empty_and_an_all_novel_list(fitted):
    tests = self_test(fitted)
    known = set(fitted.vectorizer.vocabulary_)
    assert len(tests) == 8
    assert tests[0]["tokens"] == []
    assert not known & set(tests[1]["tokens"])
    assert all(known & set(test["tokens"]) for test in tests[2:])
    assert len({test["score"] for test in tests}) > 1
    assert yaml.safe_load(yaml.safe_dump(tests)) == tests


def test_self_test_notices_a_vocabulary_that_was_copied(fitted):
    estimator, vectorizer = bundle_payload(fitted)
    copied = CountVectorizer(analyzer=list)
    copied.vocabulary_ = dict(vectorizer.vocabulary_)
    tests = self_test(fitted)
    scores = self_test_scores((estimator, copied), [test["tokens"] for test in tests])
    assert max(abs(a - test["score"]) for a, test in zip(scores, tests, strict=True)) > 1e-9


def foreign(analyzer: object = list, *, binary: bool = False) -> tuple[IsolationForest, CountVectorizer]:
    """A bundle as other scripts write it: plain vocabulary over repeated lists."""
    rows = [row["e_words"] * (1 + i % 3) for i, row in enumerate(corpus(6).iter_rows(named=True))]
    vectorizer = CountVectorizer(analyzer=list, binary=binary).fit(rows)
    model = IsolationForest(n_estimators=10, contamination=0.1, random_state=0).fit(vectorizer.transform(rows))
    vectorizer.analyzer = analyzer
    return model, vectorizer


@pytest.mark.parametrize("binary", [False, True])
def test_plain_bundle_made_elsewhere_loads_and_scores(binary):
    model, vectorizer = foreign(binary=binary)
    sequences = pl.DataFrame({"seq_id": ["a"], "e_words": [["code:1", "new"]], "e_words_count": [[3, 2]]})
    found = predict(fitted_from_bundle((model, vectorizer), {}), sequences)
    X = vectorizer.transform([["code:1"] * 3 + ["new"] * 2])
    assert found["score_if"].to_list() == (-model.score_samples(X)).tolist()
    assert found["pred_ano"].to_list() == (model.predict(X) < 0).astype(int).tolist()
    assert (found["pred_ano"] == found["pred_if_threshold"]).all()
    assert found["p_value_if"].null_count() == 1


class Scripts:
    """Stands for a foreign detector whose method became the analyser."""

    def analyse(self, row: list[str]) -> list[str]:
        """Tokens of a row."""
        return row


@pytest.mark.parametrize("analyzer", [Scripts().analyse, lambda row: row, "word", eval])
def test_bundle_with_a_bound_method_or_text_analyser_is_refused(analyzer):
    with pytest.raises(UntrustedBundleError, match=r"vectorizer\.analyzer = list") as caught:
        fitted_from_bundle(foreign(analyzer), {})
    assert caught.value.exit_code == 6


def test_bundle_with_numeric_columns_that_no_card_names_is_unusable(fitted):
    with pytest.raises(InputError, match="'numeric'"):
        fitted_from_bundle(bundle_payload(fitted), {})


@pytest.mark.parametrize("odd", [None, (1, 2, 3), {"model": 1}, ("a", "b")])
def test_other_payloads_are_refused(odd):
    with pytest.raises(UntrustedBundleError, match="tuple"):
        fitted_from_bundle(odd, {})


def test_parts_that_do_not_fit_each_other_are_refused(fitted):
    estimator, _ = bundle_payload(fitted)
    wider = CountVectorizer(analyzer=list).fit([[str(i) for i in range(500)]])
    with pytest.raises(UntrustedBundleError, match="self-test"):
        self_test_scores((estimator, wider), [["1"]])


def test_card_of_an_unknown_model_is_named(fitted):
    with pytest.raises(InputError, match="'deep'"):
        fitted_from_bundle(bundle_payload(fitted), {"model": "deep"})


def test_scores_of_holdout_normals_travel_with_the_card(fitted):
    card = card_facts(fitted)
    assert {s: len(v) for s, v in card["holdout_scores"].items()} == {"code": 2, "token": 2}
    again = fitted_from_bundle(bundle_payload(fitted), card)
    assert np.array_equal(again.reference.pooled_scores(), fitted.reference.pooled_scores())
