"""What the options of the simulator promise, on small trees."""

import itertools
import statistics
from collections import Counter
from pathlib import Path

import pytest

from lo2.errors import ArtefactExistsError, UsageError
from lo2.simulate.cases import CASES
from lo2.simulate.options import SimulateOptions
from lo2.simulate.schedule import PUBLISHED, java_time
from lo2.simulate.tree import simulate
from simulate.conftest import HEADER, logs, read_lines, the_run, tree_bytes, truth


def made(root: Path, **options) -> dict[str, bytes]:
    simulate(root, SimulateOptions(**{"runs": 1, "scale": 0.02, **options}))
    return tree_bytes(root)


def test_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path):
    first, again, other = (
        made(tmp_path / name, seed=seed, errors_per_run=4) for name, seed in zip("abc", (1, 1, 2), strict=True)
    )
    assert first == again
    assert not set(first) & set(other) - {"truth.csv"}


def test_a_run_does_not_depend_on_how_many_runs_there_are(tmp_path):
    one, three = made(tmp_path / "a", errors_per_run=2), made(tmp_path / "b", errors_per_run=2, runs=3)
    assert {name: three[name] for name in one if name != "truth.csv"} == {
        k: v for k, v in one.items() if k != "truth.csv"
    }
    assert len({name.split("/")[0] for name in three} - {"truth.csv"}) == 3


def test_choosing_services_leaves_out_files_and_changes_none(tmp_path):
    cases = ("get_token_404", "access_token_illegal_grant_type_400")
    everything, token = (
        made(tmp_path / "a", test_cases=cases),
        made(tmp_path / "b", test_cases=cases, service_types=("token",)),
    )
    assert {name for name in token if "oauth2-oauth2" in name} == {
        name for name in everything if "oauth2-token-1" in name
    }
    assert all(everything[name] == text for name, text in token.items() if name != "truth.csv")


def test_thinning_keeps_every_nth_line_of_the_same_file(tmp_path):
    full, thinned = made(tmp_path / "a", errors_per_run=2), made(tmp_path / "b", errors_per_run=2, thin=20)
    for name in (name for name in full if "oauth2-oauth2" in name):
        assert thinned[name].decode().split("\n")[:-1] == full[name].decode().split("\n")[:-1][::20]


def test_services_choose_the_cases_that_call_them(tmp_path):
    assert {case.service for case in SimulateOptions(service_types=("token", "user")).case_candidates()} == {
        "token",
        "user",
    }
    assert len(SimulateOptions(service_types=("key",)).case_candidates()) == len(CASES) == 53
    run = the_run_of(tmp_path, service_types=("token",), errors_per_run=6)
    assert len(list(run.iterdir())) == 7
    assert {len(logs(test)) for test in run.iterdir()} == {1}


def the_run_of(root: Path, **options) -> Path:
    made(root, **options)
    return the_run(root)


def test_published_number_of_cases_per_service():
    assert Counter(case.service for case in CASES.values()) == {
        "client": 10,
        "service": 8,
        "code": 9,
        "token": 12,
        "refresh-token": 3,
        "user": 11,
    }
    assert sum(not case.flow for case in CASES.values()) == 4


@pytest.mark.parametrize("thin", [1, 20])
@pytest.mark.parametrize("dataset", ["v1", "v2"])
def test_every_case_with_a_trace_makes_three_requests_of_its_own_even_in_a_blink(tmp_path, dataset, thin):
    made(tmp_path, dataset=dataset, scale=0.001, thin=thin, seed=3)
    rows = Counter(row["case"] for row in truth(tmp_path))
    assert all(rows[case.name] >= 3 for case in CASES.values() if case.flow)


def test_the_four_cases_without_a_signal_are_correct_traffic_byte_for_byte(tmp_path):
    silent = [case.name for case in CASES.values() if not case.flow]
    trees = [
        {
            name.replace(case, "case"): text
            for name, text in made(tmp_path / case, test_cases=(case,)).items()
            if not name.endswith("locust.log")
        }
        for case in silent
    ]
    assert all(tree == trees[0] for tree in trees)
    assert len(trees[0]["truth.csv"].splitlines()) == 1


def test_times_go_through_midnight(tmp_path):
    run = the_run_of(
        tmp_path, dataset="v2", scale=0.05, first_epoch=1_746_057_580, service_types=("client",), errors_per_run=8
    )
    times = sorted(line.time for test in run.iterdir() for path in logs(test).values() for line in read_lines(path))
    assert run.name == "LO2_run_1746057580"
    assert times[0].startswith("00:00:")
    assert times[-1].startswith("23:59:")


def test_v2_shuffles_the_order_and_draws_every_duration(tmp_path):
    orders, spans = [], []
    made(tmp_path, dataset="v2", runs=3, scale=0.1, service_types=("refresh-token", "client"))
    for run in sorted(path for path in tmp_path.iterdir() if path.is_dir()):
        edges = {
            test.name: [line.time for path in logs(test).values() for line in read_lines(path)]
            for test in run.iterdir()
        }
        orders.append(sorted(edges, key=lambda name: min(edges[name])))
        spans += [seconds(max(times)) - seconds(min(times)) for times in edges.values()]
    assert all(a != b for a, b in itertools.combinations(orders, 2))
    assert {order.index("correct") for order in orders} != {0}
    assert 1.5 < min(spans) < 5
    assert 15 < max(spans) <= 18.2
    assert 6 < statistics.mean(spans) < 13


def seconds(time: str) -> float:
    hours, minutes, rest = time.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


def test_v2_loads_its_config_in_the_test_that_runs_first(tmp_path):
    run = the_run_of(tmp_path, dataset="v2", scale=0.02, service_types=("service",), seed=4)
    starts = {test.name: min(line.time for line in read_lines(logs(test)["service"])) for test in run.iterdir()}
    loading = {
        test.name
        for test in run.iterdir()
        if any("mask.yml" in line.message for line in read_lines(logs(test)["service"]))
    }
    assert loading == {min(starts, key=starts.__getitem__)}


@pytest.mark.parametrize("epoch", sorted(PUBLISHED))
def test_no_run_takes_the_name_of_a_published_one(tmp_path, epoch):
    run = the_run_of(tmp_path, first_epoch=epoch, errors_per_run=0, scale=0.005)
    assert str(epoch) not in run.name


def test_a_failing_map_store_leaves_its_trace_and_the_report_of_hazelcast(tmp_path):
    run = the_run_of(tmp_path, scale=0.3, errors_per_run=0)
    text = "".join(path.read_text("utf-8") for path in logs(run / "correct").values())
    rows = text.split("\n")
    assert sum("ClientMapStore delete - Exception:" in row for row in rows) > 3
    assert sum(row.startswith("SEVERE: [172.24.0.") for row in rows) > 3
    assert any("Caused by: java.sql.SQLIntegrityConstraintViolationException" in row for row in rows)
    assert not any(HEADER.match(row) and "%(" in row for row in rows)


def test_java_prints_noon_and_midnight_as_twelve():
    assert java_time(1_746_057_600) == "May 1, 2025 12:00:00 AM"
    assert java_time(1_746_100_800) == "May 1, 2025 12:00:00 PM"


def test_an_existing_tree_is_refused_unless_asked(tmp_path):
    first = made(tmp_path, errors_per_run=1)
    with pytest.raises(ArtefactExistsError, match="--overwrite"):
        made(tmp_path, errors_per_run=1)
    simulate(tmp_path, SimulateOptions(runs=1, scale=0.02, errors_per_run=1), overwrite=True)
    assert tree_bytes(tmp_path) == first


def test_progress_and_summary_count_what_was_written(tmp_path):
    calls: list[tuple[int, int]] = []
    summary = simulate(
        tmp_path, SimulateOptions(runs=2, scale=0.01, errors_per_run=2), progress=lambda *done: calls.append(done)
    )
    texts = [text for name, text in tree_bytes(tmp_path).items() if "oauth2-oauth2" in name]
    assert calls == [(1, 2), (2, 2)]
    assert (summary.runs, summary.files) == (2, 42)
    assert (summary.lines, summary.size_bytes) == (sum(text.count(b"\n") for text in texts), sum(map(len, texts)))
    assert summary.truth_path == tmp_path / "truth.csv"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"runs": 0}, "--runs 0 is out of range: expected at least 1"),
        ({"scale": 0.0}, "--scale 0.0 is out of range: expected 0.001 to 10"),
        ({"scale": float("nan")}, "--scale nan is out of range"),
        ({"dataset": "v3"}, "no dataset 'v3'"),
        ({"service_types": ("tokn",)}, "Did you mean 'token'"),
        ({"test_cases": ("get_token_40",)}, "Did you mean 'get_token_404'"),
    ],
)
def test_options_out_of_range_are_named(options, message):
    with pytest.raises(UsageError, match=message):
        SimulateOptions(**options)
