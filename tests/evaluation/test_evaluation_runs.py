"""Runs: fused p-values mean what they say, and name where to look."""

import numpy as np
import polars as pl
import pytest
from scipy.special import gammaincc

from lo2 import schema
from lo2.evaluation.runs import judge_runs, run_metrics
from lo2.metrics.conformal import fused_p_value, left_out_p_values

SERVICES = ("api", "db", "web")


def judged_rows(
    scores: np.ndarray, *, bad: tuple[int, ...] = (), errors: dict[tuple[int, str], int] | None = None
) -> pl.DataFrame:
    """Rows of runs x services with these scores; the runs in ``bad`` are anomalies."""
    n_runs, n_services = scores.shape
    rows = []
    for k in range(n_services):
        normal = np.array([i not in bad for i in range(n_runs)])
        names = np.array([f"run{i:03d}" for i in range(n_runs)])
        p_value = left_out_p_values(scores[:, k], normal, names).p_value
        service = SERVICES[k] if k < len(SERVICES) else f"s{k}"
        rows += [
            {"run": names[i], "test_case": "correct" if normal[i] else "fault", "service": service, "anomaly": not normal[i],
             "normal": bool(normal[i]), "p_value": p_value[i], "score": scores[i, k],
             "n_error": float((errors or {}).get((i, service), 0))}
            for i in range(n_runs)
        ]  # fmt: skip
    return pl.DataFrame(rows)


@pytest.mark.parametrize("shared", [0.0, 0.9])
def test_p_values_of_normal_runs_are_super_uniform_however_services_depend(shared):
    generator, found = np.random.default_rng(7), []
    for _ in range(60):
        together = generator.normal(size=(30, 1))
        scores = shared * together + (1 - shared) * generator.normal(size=(30, 6))
        errors = {(i, name): int(generator.poisson(np.exp(together[i, 0]))) for i in range(30) for name in SERVICES}
        found.append(judge_runs(judged_rows(np.round(scores, 1), errors=errors)).frame["p_value"].to_numpy())
    pooled = np.concatenate(found)
    for level in (0.04, 0.05, 0.1, 0.2, 0.5):
        assert (pooled <= level).mean() <= level + 1e-9


def test_a_bad_run_comes_first_and_is_flagged():
    scores = np.random.default_rng(0).normal(size=(30, 3))
    scores[4] += 6
    runs = judge_runs(judged_rows(scores, bad=(4,)))
    schema.check_schema(runs.frame, schema.RUNS, what="runs")
    assert runs.frame["run"][0] == "run004"
    assert runs.flagged_runs["run"].to_list()[0] == "run004"
    assert runs.frame["p_value"][0] == pytest.approx(1 / 30)
    assert runs.n == 28  # normal runs other than the own one, at least


def test_the_service_with_more_errors_than_is_typical_is_named_before_a_higher_score():
    scores = np.random.default_rng(0).normal(size=(30, 3))
    scores[4] += (9, 6, 0)
    errors = {(i, "web"): 50 for i in range(30)} | {(4, "db"): 2}
    runs = judge_runs(judged_rows(scores, bad=(4,), errors=errors))
    assert runs.frame["earliest_service"][0] == "db"
    without = judge_runs(judged_rows(scores, bad=(4,)))
    assert without.frame["earliest_service"][0] == "api"


def test_errors_that_no_normal_run_has_are_heard_beside_the_detector():
    scores = np.random.default_rng(0).normal(size=(40, 3))
    rows = judged_rows(scores, bad=(4,), errors={(4, "db"): 7})
    silent = judge_runs(rows.with_columns(n_error=pl.lit(None, pl.Float64)))
    heard = judge_runs(rows)
    place = [frame["run"].to_list().index("run004") for frame in (heard.frame, silent.frame)]
    assert place[0] < place[1]
    assert heard.errors["db"].tolist() == [0.0] * 39
    assert silent.errors == {}


def test_new_runs_are_judged_by_the_errors_that_the_bundle_remembers():
    scores = np.random.default_rng(0).normal(size=(40, 3))
    known = judge_runs(judged_rows(scores, errors={(i, "web"): 3 for i in range(40)}))
    new = judged_rows(scores[:2], errors={(0, "web"): 3, (1, "web"): 90}).with_columns(p_value=0.5)
    found = judge_runs(new, known=known.normal, errors=known.errors).frame
    assert found["run"].to_list() == ["run001", "run000"]
    assert found["earliest_service"][0] == "web"
    without = judge_runs(new, known=known.normal).frame
    assert without["score"][0] == without["score"][1]


def test_a_run_is_not_favoured_for_the_services_that_it_lacks():
    assert fused_p_value([-3 * np.log(0.5)], [3])[0] == pytest.approx(fused_p_value([3 * np.log(2)], [3])[0])
    assert fused_p_value([1.0], [1])[0] > fused_p_value([1.0], [2])[0]
    uniform = -np.log(np.random.default_rng(0).random((20_000, 5)))
    for k in (1, 3, 5):
        assert np.mean(fused_p_value(uniform[:, :k].sum(axis=1), np.full(20_000, k))) == pytest.approx(1.0, abs=0.03)
    assert np.isfinite(fused_p_value([5000.0], [3])[0])


def test_fused_p_values_are_those_of_the_gamma_function():
    count = np.random.default_rng(0).integers(1, 60, 5_000)
    total = np.random.default_rng(1).gamma(count) * np.random.default_rng(2).choice([0.3, 1, 1, 3], count.size)
    np.testing.assert_allclose(fused_p_value(total, count), -np.log(gammaincc(count, total)), rtol=0, atol=6e-10)
    assert fused_p_value([0.0, 5000.0], [3, 3]).tolist() == [0.0, round(5000 - np.log(1 + 5000 + 5000**2 / 2), 9)]


def test_a_run_ties_with_the_same_run_of_a_bundle_that_kept_all_digits():
    rows = judged_rows(np.random.default_rng(0).normal(size=(30, 3)))
    found = judge_runs(rows)
    kept = judge_runs(rows, known=found.normal - 4e-10).frame
    assert kept["p_value"].to_list() == judge_runs(rows, known=found.normal).frame["p_value"].to_list()


def test_many_sequences_of_a_service_count_as_one():
    scores = np.random.default_rng(0).normal(size=(30, 2))
    rows = judged_rows(scores)
    again = judge_runs(pl.concat([rows, rows, rows])).frame.sort("run")
    assert again["n_services"].to_list() == [2] * 30
    np.testing.assert_allclose(again["score"], judge_runs(rows).frame.sort("run")["score"])


def test_with_few_runs_there_is_a_ranking_and_no_flag():
    scores = np.random.default_rng(0).normal(size=(8, 3))
    scores[2] += 9
    runs = judge_runs(judged_rows(scores, bad=(2,)))
    assert runs.frame["run"][0] == "run002"
    assert runs.flagged_runs.height == 0
    metrics = run_metrics(runs)
    assert metrics["auc"].value == 1.0
    assert metrics["recall_at_threshold"].value is None
    assert metrics["recall_at_threshold"].why.startswith("too few to tell (6 normal runs")


def test_new_runs_are_ranked_among_the_known_ones():
    rows = judged_rows(np.zeros((2, 2))).with_columns(p_value=pl.lit(0.001))
    known = np.sort(fused_p_value(-np.log(np.random.default_rng(1).random((99, 2))).sum(axis=1), np.full(99, 2)))
    runs = judge_runs(rows, known=known)
    assert runs.frame["p_value"].to_list() == [0.01, 0.01]
    assert judge_runs(rows, known=np.empty(0)).frame["p_value"].null_count() == 2


def test_unlabelled_runs_are_judged_and_measured_by_nothing():
    rows = judged_rows(np.random.default_rng(0).normal(size=(30, 3))).with_columns(anomaly=pl.lit(None, pl.Boolean))
    runs = judge_runs(rows)
    assert runs.frame["p_value"].null_count() == 0
    assert run_metrics(runs)["auc"].value is None
    assert run_metrics(runs)["auc"].why == "no labelled test sequence"
