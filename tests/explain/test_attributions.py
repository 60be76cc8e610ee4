"""Exact, additive, with the right sign; against Shapley values by brute force and the forest's path lengths."""

import os
from itertools import combinations
from math import factorial

import numpy as np
import polars as pl
import pytest

from lo2.errors import UsageError
from lo2.explain import attributions as explainers
from lo2.explain.attributions import attributions
from lo2.explain.headless import headless
from lo2.models.split import split_runs
from lo2.models.table import MODELS
from lo2.models.training import train

TREES = 25


@pytest.fixture(scope="module")
def explained(world, texts):
    """Model name -> (fitted, test rows, their attributions), computed once."""
    split = split_runs(world)
    known = {}

    def get(name):
        if name not in known:
            options = MODELS[name].options
            few = {"n_estimators": TREES} if "n_estimators" in options.__dataclass_fields__ else {}
            fitted = train(name, world, split, options=options(**few), seed=3)
            rows = world.filter(split == "test").sort("seq_id")
            reference = world.filter(split == "train")
            known[name] = fitted, rows, attributions(fitted, rows, reference=reference, texts=texts)
        return known[name]

    return get


@pytest.mark.parametrize("name", sorted(MODELS))
def test_base_and_contributions_add_up_to_the_score(name, explained):
    fitted, rows, found = explained(name)
    sums = dict(found.frame.group_by("seq_id").agg(pl.col("contribution").sum()).iter_rows())
    total = found.rows["base"].to_numpy() + np.array([sums.get(seq_id, 0.0) for seq_id in found.rows["seq_id"]])
    assert np.abs(total - found.rows["value"].to_numpy()).max() < 1e-9
    rounding = 1e-6 if fitted.spec.explains == "boosted" else 1e-9  # xgboost scores in 32 bits
    assert np.abs(found.rows["score"].to_numpy() - fitted.score(rows)).max() < rounding
    assert found.rows["seq_id"].to_list() == rows["seq_id"].to_list()


@pytest.mark.parametrize("name", sorted(MODELS))
def test_space_says_what_is_added_up(name, explained):
    assert len(explained(name)[2].unit) > 10


@pytest.mark.parametrize("name", sorted(MODELS))
def test_higher_value_is_higher_score(name, explained):
    rows = explained(name)[2].rows.sort("value")
    assert np.diff(rows["score"].to_numpy()).min() >= -1e-12


@pytest.mark.parametrize("name", sorted(MODELS))
def test_no_token_is_an_internal_column(name, explained, world, texts):
    fitted, _, found = explained(name)
    known = set(fitted.numeric)
    if fitted.spec.column in {"e_words", "e_trigrams"}:
        known |= {token for row in world[fitted.spec.column] for token in row}
    elif not fitted.numeric:
        known |= {f"{a} > {b}" for a in ("<start>", *texts.values()) for b in texts.values()}
    assert set(found.frame["token"]) <= known


# Which faults a reference row or a numeric model sees is their own affair.
SIGNED = sorted(n for n, s in MODELS.items() if s.column == "e_words" and not s.reference_only)


@pytest.mark.parametrize("name", SIGNED)
def test_the_planted_word_raises_the_score_most(name, explained):
    _, rows, found = explained(name)
    planted = {"ERROR", "a.Handler", "set", '{"code":"ERR12014"'}
    for row in rows.filter("anomaly").iter_rows(named=True):
        own = found.frame.filter(pl.col("seq_id") == row["seq_id"])
        assert own["token"][0] in planted
        assert own["contribution"][0] > 0


def depth(tree, node, row, known, level=0):
    """Path length in one tree when only the columns in ``known`` are known: averaged over the others."""
    left, right = tree.children_left[node], tree.children_right[node]
    if left < 0:
        return level + average_path(tree.n_node_samples[node])
    if tree.feature[node] in known:
        return depth(tree, left if row[tree.feature[node]] <= tree.threshold[node] else right, row, known, level + 1)
    n = tree.n_node_samples
    return sum(n[child] / n[node] * depth(tree, child, row, known, level + 1) for child in (left, right))


def average_path(n):
    return 0.0 if n <= 1 else 1.0 if n == 2 else 2 * (np.log(n - 1) + 0.5772156649015329) - 2 * (n - 1) / n


def mean_depth(forest, row, known):
    return np.mean([depth(one.tree_, 0, row, known) for one in forest.estimators_])


def shapley(value, columns):
    n, result = len(columns), {}
    for column in columns:
        others = [c for c in columns if c != column]
        result[column] = sum(
            factorial(k) * factorial(n - k - 1) / factorial(n) * (value({*some, column}) - value(set(some)))
            for k in range(n)
            for some in combinations(others, k)
        )
    return result


def test_forest_agrees_with_shapley_values_by_brute_force(explained):
    fitted, rows, _ = explained("if")
    X = fitted.matrix(rows)
    values, mean = explainers._tree_shap(fitted.estimator, X)
    for i in (0, 3, rows.height - 1):
        row = X[i].toarray().ravel()
        exact = shapley(lambda known, row=row: mean_depth(fitted.estimator, row, known), [0, 1, 2, 3])
        assert values[i].toarray().ravel()[:4] == pytest.approx([exact[c] for c in range(4)], abs=1e-9)
        assert mean == pytest.approx(mean_depth(fitted.estimator, row, set()), abs=1e-9)


def test_forest_score_follows_from_path_lengths(explained):
    fitted, rows, found = explained("if")
    forest = fitted.estimator
    X = fitted.matrix(rows).toarray()
    lengths = np.array([mean_depth(forest, row, range(X.shape[1])) for row in X])
    assert -found.rows["value"].to_numpy() == pytest.approx(lengths, abs=1e-9)
    assert -(2.0 ** (-lengths / average_path(forest.max_samples_))) == pytest.approx(forest.score_samples(X), abs=1e-9)


def test_projection_to_used_columns_changes_nothing(explained):
    with headless():
        import shap
    fitted, rows, _ = explained("if_binary_words")
    X = fitted.matrix(rows)
    values, _ = explainers._tree_shap(fitted.estimator, X)
    plain = shap.TreeExplainer(fitted.estimator).shap_values(X.toarray(), check_additivity=False)
    assert np.abs(values.toarray() - plain).max() < 1e-12


def test_batches_give_the_same_as_one_batch(explained, monkeypatch):
    fitted, rows, _ = explained("if_binary_words")
    whole, _ = explainers._tree_shap(fitted.estimator, fitted.matrix(rows))
    monkeypatch.setattr(explainers, "_CELLS", 1)
    parts, _ = explainers._tree_shap(fitted.estimator, fitted.matrix(rows))
    assert (whole != parts).nnz == 0


def test_order_of_rows_does_not_matter(explained, world):
    fitted, rows, found = explained("if")
    again = attributions(fitted, rows.reverse(), reference=world.filter(split_runs(world) == "train"))
    assert again.frame.equals(found.frame)
    assert again.rows.equals(found.rows)


def test_counts_tell_missing_tokens(explained):
    _, rows, found = explained("if")
    held = dict(zip(rows["seq_id"], rows["e_words"], strict=True))
    for (seq_id, token, _), count in zip(found.frame.iter_rows(), found.counts, strict=True):
        assert (token in held[seq_id]) == (count > 0)


def test_kind_without_explanation_is_named(explained, world):
    from dataclasses import replace

    fitted, rows, _ = explained("if")
    odd = replace(fitted, spec=replace(fitted.spec, explains="tea-leaves"))
    with pytest.raises(UsageError, match="tea-leaves"):
        attributions(odd, rows, reference=world)


def test_backend_of_matplotlib_is_left_as_it_was(explained, monkeypatch):
    fitted, rows, _ = explained("if")
    monkeypatch.setenv("MPLBACKEND", "no-such-window-system")
    explainers._tree_shap(fitted.estimator, fitted.matrix(rows))
    assert os.environ["MPLBACKEND"] == "no-such-window-system"


def test_linear_model_agrees_with_shapley_values_by_brute_force(explained, world):
    fitted, rows, found = explained("lr_numeric")
    reference = world.filter(split_runs(world) == "train")
    scaler, model = fitted.estimator.estimator_
    baseline = explainers._attribution_baseline_columns(
        scaler.transform(fitted.matrix(reference)).astype(float), rows, reference
    ).toarray()
    X = scaler.transform(fitted.matrix(rows)).toarray()
    columns = range(X.shape[1])
    for i in (0, 1):

        def margin(known, i=i):
            row = [X[i, c] if c in known else baseline[i, c] for c in columns]
            return float(np.dot(row, model.coef_.ravel()) + model.intercept_[0])

        exact = {fitted.numeric[c]: v for c, v in shapley(margin, list(columns)).items() if abs(v) > 1e-9}
        own = found.frame.filter(pl.col("seq_id") == rows["seq_id"][i])
        assert dict(zip(own["token"], own["contribution"], strict=True)) == pytest.approx(exact, abs=1e-9)
        assert found.rows["base"][i] == pytest.approx(margin(set()))


@pytest.mark.parametrize(("name", "part"), [("kmeans_words", 1.0), ("lof_words", 1.0), ("ocsvm_words", 0.5)])
def test_distance_is_split_along_its_own_slope(name, part, explained, world):
    fitted, rows, _ = explained(name)
    reference = world.filter(split_runs(world) == "train")
    found = explainers._distance_attribution(fitted, rows, reference)
    estimator = fitted.estimator
    t = estimator.tfidf_.transform(fitted.matrix(rows).astype(float)).toarray()
    seen = estimator.tfidf_.transform(fitted.matrix(reference).astype(float)).tocsr()
    baseline = explainers._attribution_baseline_columns(seen, rows, reference).toarray()

    def value(row):
        inside = estimator.components_ @ row
        z = np.append(inside, np.sqrt(max(row @ row - inside @ inside, 0)))[None]
        if name == "kmeans_words":
            return estimator.model_.transform(z).min()
        score = estimator.model_.score_samples(z)[0]
        return -score if name == "lof_words" else -np.log(score)

    i, h = rows["anomaly"].arg_max(), 1e-6
    for column in np.flatnonzero((t[i] != 0) | (baseline[i] != 0)):
        step = np.zeros(t.shape[1])
        step[column] = h
        slope = (value(t[i] + step) - value(t[i] - step)) / (2 * h)
        expected = part * slope * (t[i, column] - baseline[i, column])
        assert found.values[i, column] == pytest.approx(expected, abs=2e-4 * max(1, abs(value(t[i]))))


def test_neighbour_distance_names_a_missing_word(explained, world):
    fitted, rows, _ = explained("knn_words")
    row = rows.filter((pl.col("service") == "token") & ~pl.col("anomaly")).head(1).to_dicts()[0]
    keep = [i for i, word in enumerate(row["e_words"]) if word != "a.Token"]
    row |= {name: [row[name][i] for i in keep] for name in ("e_words", "e_words_count")}
    poorer = pl.DataFrame([row], schema=rows.schema)
    found = attributions(fitted, poorer, reference=world.filter(split_runs(world) == "train"))
    assert found.frame.row(0)[1] == "a.Token"
    assert found.counts[0] == 0


def test_row_without_tokens_is_explained_too(explained, world):
    for name in ("if", "knn_words", "rarity_words", "kmeans_words", "lr_words"):
        fitted, rows, _ = explained(name)
        row = rows.head(1).to_dicts()[0] | {"e_words": [], "e_words_count": []}
        empty = pl.DataFrame([row], schema=rows.schema)
        found = attributions(fitted, empty, reference=world.filter(split_runs(world) == "train"))
        assert found.rows["score"][0] == pytest.approx(fitted.score(empty)[0], abs=1e-9)


def test_column_whose_tokens_nobody_expects_belongs_to_no_token(explained, world):
    fitted, rows, found = explained("if")
    values, mean = explainers._tree_shap(fitted.estimator, fitted.matrix(rows))
    train_rows = world.filter(split_runs(world) == "train")
    for i, row in enumerate(rows.iter_rows(named=True)):
        normals = train_rows.filter((pl.col("service") == row["service"]) & ~pl.col("anomaly"))["e_words"]
        held = normals.explode().value_counts().filter(pl.col("count") >= normals.len() / 2)["e_words"]
        named = {fitted.vectorizer.vocabulary_[word] for word in [*held, *row["e_words"]]}
        nobody = [column for column in range(4) if column not in named]
        assert row["anomaly"] == (0 in named)
        assert found.rows["base"][i] == pytest.approx(-mean + sum(-values[i, c] for c in nobody), abs=1e-12)
