"""Any log through ``lo2 load``: sequences, events, what was understood, and the options that correct a wrong guess."""

import gzip
import json
import os
import random
import tarfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

START = datetime(2024, 3, 5, 8, 0, tzinfo=UTC)
OUT = Path("demo/result/lo2")


def at(seconds: float) -> str:
    return f"{START + timedelta(seconds=seconds):%Y-%m-%d %H:%M:%S},000"


def write(root: Path, **logs: str) -> Path:
    """Files by their paths, ``/`` written as ``__``."""
    for name, text in logs.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.fixture
def load(tmp_path, lo2):
    """``load(root, options...)``: sequences, events and quality of a load, and what it said."""

    def run(root: Path, *options: object, expect: int = 0):
        work = tmp_path / f"work{random.random()}"
        work.mkdir()
        said = lo2("load", root, "--save-events", *options, cwd=work, expect=expect)
        if expect:
            return said.stderr
        sequences = pl.read_parquet(work / OUT / "lo2_sequences_enhanced.parquet")
        events = pl.read_parquet(work / OUT / "lo2_events.parquet")
        return sequences, events, json.loads((work / OUT / "lo2_quality.json").read_text()), said.stderr

    return run


def log(*texts: str, start: float = 0, step: float = 1, level="INFO") -> str:
    return "".join(f"{at(start + i * step)} {level} shop.Pay - {text}\n" for i, text in enumerate(texts))


def test_rotated_files_are_one_sequence_in_order_of_time(tmp_path, load):
    root = write(
        tmp_path / "logs", **{"r1__correct__web.log": log("c", start=20), "r1__correct__web.log.1": log("b", start=10)}
    )
    (root / "r1/correct/web.log.2.gz").write_bytes(gzip.compress(log("a").encode()))
    sequences, events, *_ = load(root)
    assert sequences["seq_id"].to_list() == ["r1__correct__web"]
    assert events["m_message"].to_list() == ["a", "b", "c"]
    assert [Path(name).name for name in events["file"]] == ["web.log.2.gz", "web.log.1", "web.log"]
    assert events["line"].to_list() == [1, 1, 1]
    assert sequences["duration_sec"].to_list() == [20.0]


def test_replicas_are_merged_by_time_and_keep_their_lines(tmp_path, load):
    root = write(
        tmp_path / "logs",
        **{
            "r1__correct__web-7d9c6b5f4d-x2x8q.log": log("a", "c\n\tat a.B.c(B.java:1)", "e", step=2),
            "r1__correct__web-7d9c6b5f4d-zzp4k.log": log("b", "d", start=1, step=2),
        },
    )
    sequences, events, *_ = load(root)
    assert sequences["seq_id"].to_list() == ["r1__correct__web"]
    assert [text[0] for text in events["m_message"]] == list("abcde")
    assert events["line"].to_list() == [1, 1, 2, 2, 4]
    assert sequences["e_event_sequence"].list.len().to_list() == [5]
    assert sequences["continuation_lines"].to_list() == [1]


def test_a_mixed_file_of_compose_is_split_by_service(tmp_path, load):
    lines = [f"{name:<6} | {at(i)} INFO a.B - {name} up\n" for i, name in enumerate(["web-1", "db-1"] * 6)]
    sequences, events, *_ = load(write(tmp_path / "logs", **{"r1__correct__compose.log": "".join(lines)}))
    assert sequences["service"].n_unique() == 2
    assert sequences["seq_len"].to_list() == [6, 6]
    assert events.group_by("seq_id").agg(pl.col("m_message").n_unique())["m_message"].to_list() == [1, 1]


def hdfs(blocks: int = 8, bad: tuple[int, ...] = (3, 6)) -> str:
    """Lines of several blocks, some of which name two; a bad block fails."""
    rng = random.Random(3)
    lines = []
    for block in range(blocks):
        name = f"blk_{'-' if block % 2 else ''}{10**15 + block}"
        lines += [(block * 10 + rng.random(), "INFO", f"dfs.FSNamesystem: allocated {name}")]
        lines += [
            (
                block * 10 + 1 + k + rng.random(),
                "INFO",
                f"dfs.DataNode$Receiver: Receiving block {name} src: /10.0.0.{k}",
            )
            for k in range(3)
        ]
        if block in bad:
            lines += [(block * 10 + 6, "WARN", f"dfs.DataNode$Receiver: writeBlock {name} failed")]
    lines += [(95, "INFO", f"dfs.FSNamesystem: delete blk_{10**15} blk_{10**15 + 2}")]
    return "".join(
        f"{START + timedelta(seconds=s):%y%m%d %H%M%S} 148 {level} {text}\n" for s, level, text in sorted(lines)
    )


def test_one_sequence_per_block_with_labels_from_a_file(tmp_path, load):
    root = write(tmp_path / "logs", **{"day1__all__hdfs.log": hdfs()})
    labels = tmp_path / "labels.csv"
    labels.write_text(
        "run,label\n"
        + "".join(
            f"blk_{'-' if b % 2 else ''}{10**15 + b},{'anomaly' if b in (3, 6) else 'normal'}\n" for b in range(8)
        )
    )
    sequences, events, *_ = load(root, "--group-by", "blk_-?[0-9]+", "--labels", labels)
    assert sequences.height == 8
    assert sequences["run"].str.contains("blk_").all()
    by_run = {row["run"].rpartition("blk_")[2]: row for row in sequences.iter_rows(named=True)}
    assert by_run[str(10**15)]["seq_len"] == by_run[str(10**15 + 2)]["seq_len"] == 5
    assert {run for run, row in by_run.items() if row["anomaly"]} == {f"-{10**15 + 3}", str(10**15 + 6)}
    assert sequences.filter("anomaly")["n_warn"].to_list() == [1, 1]
    assert events["seq_id"].n_unique() == 8


def test_one_sequence_per_hour(tmp_path, load):
    lines = []
    for i in range(30):
        when = START + timedelta(minutes=6 * i)
        lines.append(
            f"- {int(when.timestamp())} {when:%Y.%m.%d} R0{i % 4} {when:%Y-%m-%d-%H.%M.%S}.675872 R0{i % 4} RAS KERNEL INFO parity corrected\n"
        )
    sequences, *_ = load(write(tmp_path / "logs", **{"bgl__all__kernel.log": "".join(lines)}), "--window", "1h")
    assert sequences["seq_len"].to_list() == [10, 10, 10]
    assert sequences["run"].to_list() == [f"bgl.2024-03-05T{8 + k:02d}0000" for k in range(3)]
    assert sequences["start_time"].to_list() == [datetime(2024, 3, 5, 8 + k) for k in range(3)]


def test_since_and_until_keep_what_lies_between(tmp_path, load):
    root = write(tmp_path / "logs", **{"r1__correct__web.log": log(*"abcdef", step=60)})
    _, events, *_ = load(root, "--since", "2024-03-05T08:02", "--until", "2024-03-05 08:04")
    assert events["m_message"].to_list() == ["c", "d"]


def test_what_was_understood_is_said_and_kept(tmp_path, load):
    root = write(
        tmp_path / "logs",
        **{
            "r1__correct__web.log": log(*["cart opened"] * 3, "refused\n\tat a.B.c(B.java:1)"),
            "r1__correct__db.log": "opened\n" * 3,
        },
    )
    *_, quality, said = load(root, "--profile", "tree")
    rows = {row["service"]: row for row in quality["understood"]}
    web = rows["web"]
    assert (web["events"], web["times"], web["levels"], web["continued"], web["templates"]) == (4, 1.0, 1.0, 1, 2)
    assert list(web["formats"]) == ["level name dash (iso)"]
    assert "web  level name dash (iso)  times 100 %  levels 100 %  4 events  1 continued  2 templates" in said
    assert "db  no header known  no time  no level  3 events  0 continued  1 template" in said
    assert "look twice: db: no time was understood" in said
    assert "look twice: web" not in said


def test_services_that_a_collector_mixed_are_understood_one_by_one(tmp_path, load):
    lines = [
        f"web-1  | {at(i)} XYZT INFO a.B - cart {i}\ndb-1   | {at(i)} XYZT ERROR a.B - refused\n" for i in range(4)
    ]
    *_, said = load(write(tmp_path / "logs", **{"r1__correct__all.log": "".join(lines)}), "--profile", "tree")
    for service in ("web-1", "db-1"):
        assert f"{service}  level name dash (iso)  times 100 %  levels 100 %  4 events  0 continued  1 template" in said
    assert said.count("the zone XYZT of 8 times is not known") == 1


def test_doubts_name_values_left_in_the_text_and_lines_of_no_format(tmp_path, load):
    names = ["".join(random.Random(i).choices("mnopqrst", k=9)) for i in range(300)]
    half = "".join(f"{at(i)} INFO a.B - up\nno header here\n" for i in range(60))
    *_, said = load(write(tmp_path / "logs", **{"r1__correct__web.log": log(*names), "r1__correct__pay.log": half}))
    assert "look twice: web: 300 templates in 300 events" in said
    assert "--variable" in said
    assert "look twice: pay: 50% of the lines fit"


def test_a_dry_run_shows_lines_and_masked_examples_and_writes_nothing(tmp_path, lo2):
    root = write(
        tmp_path / "logs",
        **{"r1__correct__web.log": log(*[f"cart {i} opened" for i in range(9)], "refused", "closed", "gone")},
    )
    said = lo2("load", root, "--dry-run", cwd=tmp_path).stdout
    at_line = said.splitlines().index(
        "web  level name dash (iso)  times 100 %  levels 100 %  12 events  0 continued  4 templates"
    )
    examples = said.splitlines()[at_line + 1 : at_line + 4]
    assert examples[0] == "    cart <*> opened"
    assert set(examples[1:]) < {"    refused", "    closed", "    gone"}
    assert not (tmp_path / OUT).exists()


CUSTOM = "".join(f"@{i}|W|Pay|cart {i} is slow\n" for i in range(8))


@pytest.mark.parametrize(
    "form",
    ["(?P<level>[A-Z])\\|(?P<logger>\\w+)\\|", "web=@\\d+\\|(?P<level>[A-Z])\\|(?P<logger>\\w+)\\|(?P<message>.*)"],
)
def test_a_pattern_of_the_user_reads_a_format_of_ones_own(tmp_path, load, form):
    root = write(tmp_path / "logs", **{"r1__correct__web.log": CUSTOM})
    sequences, events, *_ = load(root, "--profile", "tree", "--log-format", form)
    if form.startswith("web="):
        assert set(events["level"]) == {"WARN"}
        assert set(events["logger"]) == {"Pay"}
        assert sequences["n_warn"].to_list() == [8]
    else:
        assert set(events["level"]) == {None}  # the pattern is anchored at the beginning of the line


def test_a_time_format_of_the_user_reads_a_stamp_of_ones_own(tmp_path, load):
    root = write(
        tmp_path / "logs",
        **{"r1__correct__web.log": "".join(f"05~03~2024~08~00~{i:02d} cart opened\n" for i in range(5))},
    )
    sequences, *_ = load(root, "--log-format", r"(?P<time>\S+) (?P<message>.*)", "--time-format", "%d~%m~%Y~%H~%M~%S")
    assert sequences["start_time"].to_list() == [datetime(2024, 3, 5, 8)]
    assert sequences["duration_sec"].to_list() == [4.0]


def test_a_format_by_its_name_is_for_all_or_for_one_service(tmp_path, load):
    root = write(
        tmp_path / "logs",
        **{"r1__correct__web.log": "WARN shop opened\n" * 3, "r1__correct__pay.log": "WARN shop opened\n" * 3},
    )
    _, events, *_ = load(root, "--profile", "tree", "--log-format", "web=plain")
    assert {row["seq_id"]: row["level"] for row in events.iter_rows(named=True)} == {
        "r1__correct__web": None,
        "r1__correct__pay": "WARN",
    }


def test_years_may_be_given(tmp_path, load):
    root = write(tmp_path / "logs", **{"r1__correct__web.log": "Mar  5 08:00:01 web-3 shop[7]: up\n"})
    sequences, _, quality, said = load(root, "--profile", "tree", "--year", 1999)
    assert sequences["start_time"].to_list() == [datetime(1999, 3, 5, 8, 0, 1)]
    assert quality["understood"][0]["dates"] == ["--year"]
    assert "date from --year" in said


def test_dates_come_from_the_time_of_the_file_but_not_from_an_archive(tmp_path, load):
    root = write(tmp_path / "logs", **{"r1__correct__web.log": "Mar  5 08:00:01 web-3 shop[7]: up\n"})
    os.utime(root / "r1/correct/web.log", (1_709_900_000, 1_709_900_000))
    sequences, *_ = load(root, "--profile", "tree")
    assert sequences["start_time"].to_list() == [datetime(2024, 3, 5, 8, 0, 1)]
    with tarfile.open(tmp_path / "logs.tar", "w") as archive:
        archive.add(root, "logs")
    sequences, *_ = load(tmp_path / "logs.tar", "--profile", "tree")
    assert sequences["start_time"].to_list() == [None]


def test_variables_and_secrets_of_the_user_are_hidden(tmp_path, load):
    root = write(tmp_path / "logs", **{"r1__correct__web.log": log("user kim of ACME left", "password=hunter2x")})
    patterns = tmp_path / "secrets.txt"
    patterns.write_text("ACME\n")
    _, events, *_ = load(root, "--variable", "user (?P<value>[a-z]{1,9})", "--redact", patterns)
    assert events["e_message_masked"][0].endswith("user <*> of <*> left")
    assert "hunter2x" not in events["e_message_masked"][1]
    _, events, *_ = load(root, "--no-redact")
    assert "ACME" in events["e_message_masked"][0]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--log-format", "nosuchformat"), "nosuchformat"),
        (("--log-format", "(?P<time>"), "--log-format"),
        (("--log-format", "(?P<when>x)"), "--log-format"),
        (("--log-format", "(?=(?P<time>x))"), "--log-format"),
        (("--log-format", "(?P<time>" + "x" * 1000 + ")"), "1,000 characters"),
        (("--variable", "("), "not understood"),
        (("--variable", "x*"), "empty"),
        (("--redact", "(?<=x)y"), "not understood"),
        (("--window", "soon"), "--window"),
        (("--window", "0h"), "--window"),
        (("--since", "noon"), "--since"),
        (("--until", "2024-13-01"), "--until"),
        (("--group-by", "("), "--group-by"),
        (("--profile", "nosuch"), "nosuch"),
        (("--labels", "nosuch.csv"), "nosuch.csv"),
    ],
)
def test_bad_values_are_refused_before_any_work(tmp_path, lo2, options, said):
    root = write(tmp_path / "logs", **{"r1__correct__web.log": log("a")})
    code = 4 if "--labels" in options else 2
    assert said in lo2("load", root, *options, cwd=tmp_path, expect=code).stderr
    assert not (tmp_path / OUT).exists()


def test_the_same_bytes_come_of_any_number_of_jobs(tmp_path, lo2):
    names = {
        f"r{run}__correct__{service}.log": log(*[f"{service} {i} opened" for i in range(20)], start=run)
        for run in range(4)
        for service in ("web", "db")
    }
    root = write(tmp_path / "logs", **names)
    found = []
    for jobs in (1, 2):
        work = tmp_path / str(jobs)
        work.mkdir()
        lo2("load", root, "--save-events", "--jobs", jobs, cwd=work)
        found.append({path.name: path.read_bytes() for path in (work / OUT).glob("*.parquet")})
    assert found[0] == found[1]
    assert set(found[0]) >= {"lo2_sequences_enhanced.parquet", "lo2_events.parquet"}
