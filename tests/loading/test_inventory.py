import gzip
import os
import shutil
from pathlib import Path

import pytest

from lo2.errors import InputError, InputNotFoundError, UsageError
from lo2.loading.inventory import SERVICES, LoadOptions, take_inventory

HEADER = "08:00:01.250 [XNIO-1 task-1]  s3kK0Vb5TbiDLXR6nwfZ3w INFO c.n.Token call - up\n"


def touch(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEADER)


def ids(root: Path, **options) -> list[str]:
    return [file.seq_id for file in take_inventory(root, LoadOptions(**options)).files]


@pytest.mark.parametrize("prefix", ["", "lo2-sample/logs/"])
def test_the_run_level_is_found(tmp_path, prefix):
    touch(tmp_path, f"{prefix}LO2_run_1/correct/light-oauth2-oauth2-token-1.log", f"{prefix}LO2_run_1/metrics/a.log")
    assert ids(tmp_path) == ["LO2_run_1__correct__token"]


def test_a_run_folder_may_be_the_root(tmp_path):
    touch(tmp_path, "LO2_run_1/correct/token.log")
    assert ids(tmp_path / "LO2_run_1") == ["LO2_run_1__correct__token"]


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("style", ["light-oauth2-oauth2-{}-1.log", "oauth2-oauth2-{}-1.log", "{}.log", "{}.log.gz"])
def test_known_file_names_give_the_service(tmp_path, service, style):
    touch(tmp_path, f"r/correct/{style.format(service)}")
    assert ids(tmp_path) == [f"r__correct__{service}"]


def test_foreign_files_are_ignored_and_counted_and_locust_is_refused_by_name(tmp_path):
    touch(
        tmp_path, "r/correct/token.log", "r/correct/light-oauth2-mysqldb-1.log", "r/correct/locust.log", "r/run_log.log"
    )
    touch(tmp_path, "prerun results/correct/token.log", "r/correct/metrics/metric_node_load1.json")
    inventory = take_inventory(tmp_path, LoadOptions())
    assert [f.service for f in inventory.files] == ["token"]
    assert inventory.left_out == {
        "folder metrics": 1,
        "folder prerun results": 1,
        "foreign file": 2,
        "locust.log (carries the label)": 1,
    }


def test_locust_is_refused_in_the_tree_profile_too(tmp_path):
    touch(tmp_path, "r/correct/shop.log", "r/correct/locust.log")
    assert ids(tmp_path, profile="tree") == ["r__correct__shop"]


def test_links_and_fifos_are_not_followed(tmp_path):
    touch(tmp_path, "r/correct/token.log")
    (tmp_path / "r" / "correct" / "loop").symlink_to(tmp_path)
    (tmp_path / "r" / "correct" / "user.log").symlink_to(tmp_path / "r" / "correct" / "token.log")
    os.mkfifo(tmp_path / "r" / "correct" / "code.log")
    inventory = take_inventory(tmp_path, LoadOptions())
    assert [f.service for f in inventory.files] == ["token"]
    assert inventory.left_out == {"not a regular file": 1, "symbolic link": 2}


def test_a_second_file_of_a_sequence_is_left_out_only_if_it_holds_the_same(tmp_path):
    touch(tmp_path, "r/correct/token.log", "r/correct/code.log")
    (tmp_path / "r/correct/token.log.gz").write_bytes(gzip.compress(HEADER.encode()))
    (tmp_path / "r/correct/code.log.gz").write_bytes(gzip.compress(b"other\n"))
    inventory = take_inventory(tmp_path, LoadOptions())
    assert [f.relative for f in inventory.files] == [
        "r/correct/code.log",
        "r/correct/code.log.gz",
        "r/correct/token.log",
    ]
    assert inventory.left_out == {"second file of the same sequence with the same content": 1}
    assert [f.seq_id for f in inventory.files] == ["r__correct__code"] * 2 + ["r__correct__token"]


def test_runs_are_chosen_by_start_time_and_errors_by_seed(tmp_path):
    runs = ["LO2_run_1700000300", "light-oauth2-data-1700000100", "LO2_run_1700000200"]
    touch(tmp_path, *[f"{run}/{case}/token.log" for run in runs for case in ("correct", "e1", "e2", "e3")])
    chosen = take_inventory(tmp_path, LoadOptions(runs=2, errors_per_run=1, seed=5))
    assert [shard.run for shard in chosen.shards] == ["LO2_run_1700000200", "light-oauth2-data-1700000100"]
    assert all(len(shard.files) == 2 for shard in chosen.shards)
    assert chosen == take_inventory(tmp_path, LoadOptions(runs=2, errors_per_run=1, seed=5))
    draws = {
        tuple(f.test_case for f in take_inventory(tmp_path, LoadOptions(errors_per_run=1, seed=s)).files)
        for s in range(9)
    }
    assert len(draws) > 1


def test_shards_come_in_the_order_of_seq_id(tmp_path):
    touch(tmp_path, "run1/correct/token.log", "run10/correct/token.log", "run1-b/correct/token.log")
    found = ids(tmp_path)
    assert found == sorted(found)


def test_a_missing_or_empty_or_foreign_root_is_named_with_the_shape(tmp_path):
    with pytest.raises(InputNotFoundError, match="does not exist. Expected a folder <root>/<run>"):
        take_inventory(tmp_path / "no", LoadOptions())
    with pytest.raises(InputNotFoundError, match="nothing, it is empty"):
        take_inventory(tmp_path, LoadOptions())
    touch(tmp_path, "readme.txt", "a/b/c.md")
    with pytest.raises(InputNotFoundError, match=r"no log matches .*Found there: a/, readme.txt"):
        take_inventory(tmp_path, LoadOptions())


def test_no_normal_case_is_named_with_what_was_found(tmp_path):
    touch(tmp_path, "r/baseline/token.log")
    with pytest.raises(InputError, match=r"'good'. Test cases found: baseline"):
        take_inventory(tmp_path, LoadOptions(normal="good"))


@pytest.mark.parametrize("above", ["", "tree"])
def test_a_simulated_tree_is_known_by_its_truth_also_in_an_archive(tmp_path, above):
    touch(tmp_path, "tree/r/correct/token.log", "tree/truth.csv", "other/r/correct/token.log", "other/r/truth.csv")
    packed = shutil.make_archive(str(tmp_path / "packed"), "gztar", tmp_path / ("" if above else "tree"), above or ".")
    found = [take_inventory(root, LoadOptions()).simulated for root in (tmp_path / "tree", packed, tmp_path / "other")]
    assert found == [True, True, False]


def test_a_run_name_with_the_separator_is_escaped(tmp_path):
    touch(tmp_path, "a__b/correct/token.log")
    assert ids(tmp_path) == ["a%5F%5Fb__correct__token"]


@pytest.mark.parametrize(
    "options", [{"service_types": ("tokn",)}, {"runs": 0}, {"errors_per_run": -1}, {"profile": "x"}]
)
def test_wrong_options_are_named(tmp_path, options):
    touch(tmp_path, "r/correct/token.log")
    with pytest.raises(UsageError):
        take_inventory(tmp_path, LoadOptions(**options))
