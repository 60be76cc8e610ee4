"""Every layout that people keep logs in: what becomes a run, a case, a service."""

import bz2
import gzip
import io
import lzma
import os
import sys
import zipfile
from pathlib import Path

import pytest

from lo2.errors import InputError, InputNotFoundError, UsageError
from lo2.loading.inventory import LoadOptions, take_inventory
from lo2.loading.sources import walk
from lo2.loading.sources.blocks import UNREADABLE, Reader
from lo2.loading.sources.compression import NoZstandardError

UID = "0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f"
ID = "ab12" * 16


def write(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(os.fsencode(name) + b"\n")
    return root


def ids(root: Path, **options) -> list[str]:
    return list(dict.fromkeys(file.seq_id for file in take_inventory(root, LoadOptions(**options)).files))


LAYOUTS = {
    "run, case, service": (
        ["r1/correct/web.log", "r1/slow/web.log", "r2/correct/web.log"],
        {},
        ["r1__correct__web", "r1__slow__web", "r2__correct__web"],
    ),
    "deeper": (["r1/correct/eu/db/pg.log", "r1/slow/web.log"], {}, ["r1__correct__eu.db.pg", "r1__slow__web"]),
    "wrapped": (["a/logs/r1/correct/web.log", "a/logs/r2/slow/web.log"], {}, ["r1__correct__web", "r2__slow__web"]),
    "wrapped, no normal case": (
        ["a/logs/r1/x/web.log", "a/logs/r2/y/web.log"],
        {},
        ["r1__x__web", "r2__y__web"],
    ),
    "several wrappers": (
        ["logs/eu/r1/correct/web.log", "logs/us/r1/correct/web.log"],
        {},
        ["eu.r1__correct__web", "us.r1__correct__web"],
    ),
    "one run, cases unnamed": (["r1/a/web.log", "r1/b/web.log"], {}, ["r1__a__web", "r1__b__web"]),
    "good and bad": (["good/web.log", "bad/web.log"], {"normal": "good"}, ["root__bad__web", "root__good__web"]),
    "a folder a run": (["one/web.log", "two/web.log"], {}, ["one__all__web", "two__all__web"]),
    "a folder a day": (
        ["2024-05-01/web.log", "2024-05-02/web.log", "2024-05-02/nginx/error.log"],
        {},
        ["2024-05-01__all__web", "2024-05-02__all__nginx.error", "2024-05-02__all__web"],
    ),
    "days in a wrapper": (
        ["logs/2024-05-01/web.log", "logs/2024-05-02/web.log"],
        {},
        ["2024-05-01__all__web", "2024-05-02__all__web"],
    ),
    "year, month, day": (
        ["2024/05/01/web.log", "2024/05/02/web.log"],
        {},
        ["2024-05-01__all__web", "2024-05-02__all__web"],
    ),
    "files only": (["web.log", "db.log"], {}, ["root__all__db", "root__all__web"]),
    "as in /var/log": (
        ["syslog", "auth.log", "nginx/access.log"],
        {},
        ["root__all__auth", "root__all__nginx.access", "root__all__syslog"],
    ),
    "endings of one stem": (
        ["r1/app.log", "r1/app.err", "r1/app.out", "r2/app.err", "r2/web.txt"],
        {},
        ["r1__all__app", "r1__all__app.err", "r1__all__app.out", "r2__all__app.err", "r2__all__web"],
    ),
    "replicas": (
        ["r1/web-7d9c6b5f4d-x2x8q.log", "r1/web-7d9c6b5f4d-kq7wz.log", "r1/db-0.log", "r1/db-1.log"],
        {},
        ["r1__all__db-0", "r1__all__db-1", "r1__all__web"],
    ),
    "pods": (
        [f"shop_web-7d9c6b5f4d-x2x8q_{UID}/nginx/0.log", f"shop_web-7d9c6b5f4d-x2x8q_{UID}/nginx/1.log"],
        {},
        ["root__all__web.nginx"],
    ),
    "pods of runs": (
        [f"r{i}/var/log/pods/shop_web-7d9c6b5f4d-x2x8{i}_{UID}/nginx/0.log" for i in (2, 4)],
        {},
        ["r2__all__web.nginx", "r4__all__web.nginx"],
    ),
    "pods of two namespaces": (
        [f"{space}_web-7d9c6b5f4d-x2x8q_{UID}/nginx/0.log" for space in ("blue", "green")],
        {},
        ["root__all__web.nginx", "root__all__web.nginx__2"],
    ),
    "containers": ([f"containers/web-0_shop_nginx-{ID}.log"], {}, ["root__all__web-0.nginx"]),
    "docker": (
        [f"r1/containers/{c * 64}/{c * 64}-json.log" for c in "ab"],
        {},
        ["r1__all__container", "r1__all__container__2"],
    ),
    "cluster dump": (
        ["r1/nodes.json", "r1/shop/pods.json", "r1/shop/events.json", "r1/shop/web-7d9c6b5f4d-x2x8q/logs.txt"],
        {},
        ["r1__all__web"],
    ),
    "CI": (
        ["0_build.txt", "build/1_Set up.txt", "build/2_Run tests.txt", "build/3_Run tests.txt"],
        {},
        ["root__all__build", "root__all__build.Run tests", "root__all__build.Run tests__2", "root__all__build.Set up"],
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_each_layout_gives_runs_cases_and_services(tmp_path, name):
    names, options, expected = LAYOUTS[name]
    assert ids(write(tmp_path / "root", *names), **options) == expected


def test_a_zip_of_a_ci_run_is_one_run(tmp_path):
    with zipfile.ZipFile(tmp_path / "logs_17.zip", "w") as archive:
        for name in ("1_build.txt", "build/2_Run tests.txt"):
            archive.writestr(name, "2024-05-02T08:00:00.0000000Z x\n")
    assert ids(tmp_path / "logs_17.zip") == ["logs_17__all__build", "logs_17__all__build.Run tests"]


ROTATED = [
    ["app.log.10", "app.log.9.gz", "app.log.1", "app.log"],
    ["app.log-20240501", "app.log-20240502.gz", "app.log"],
    ["app-2024-05-01.log", "app-2024-05-02.log", "app.log"],
    ["app.2024-05-01.log", "app.2024-05-02.log"],
    ["app.log.2024-05-02-08", "app.log.2024-05-02-09", "app.log"],
    ["app_20240501.log.xz", "app_20240502.log"],
    ["app-2024-05-01.1.log", "app-2024-05-01.2.log", "app-2024-05-02.1.log"],
    ["app.log-1714600000", "app.log-1714700000", "app.log"],
    ["2024-05-01_app.log", "2024-05-02_app.log"],
    ["app.2", "app.1", "app"],
]


@pytest.mark.parametrize("names", ROTATED, ids=lambda names: names[0])
def test_rotated_files_are_one_sequence_in_order_of_time(tmp_path, names):
    write(tmp_path, *(f"r1/correct/{name}" for name in names))
    files = list(take_inventory(tmp_path, LoadOptions()).files)
    assert [Path(f.relative).name for f in files] == names
    assert {f.seq_id for f in files} == {"r1__correct__app"}


def test_replicas_stand_one_after_the_other_each_in_order_of_time(tmp_path):
    names = ["web-x2x8q.log.1", "web-x2x8q.log", "web-z4z8q.log.1", "web-z4z8q.log"]
    write(tmp_path, *(f"r1/correct/{name}" for name in names))
    assert [Path(f.relative).name for f in take_inventory(tmp_path, LoadOptions()).files] == names


@pytest.mark.parametrize(
    "name", ["10.0.0.5.log", "v1.2.3.log", "web-0.log", "node24.log", "service2.log", "a-proxy.log"]
)
def test_a_number_that_is_part_of_a_name_stays(tmp_path, name):
    assert ids(write(tmp_path, f"r1/correct/{name}")) == [f"r1__correct__{name[:-4]}"]


FOREIGN = [".hidden.log", "a.sha256", "a.png", "a.csv", "a.parquet", "a.md", "a.py", "a.html", "README", "core"]


@pytest.mark.parametrize("name", FOREIGN)
def test_other_files_are_left_out_with_an_example(tmp_path, name):
    write(tmp_path, "r1/correct/web.log", f"r1/correct/{name}")
    if name == "core":
        (tmp_path / "r1/correct/core").write_bytes(b"\x7fELF\0\0")
    inventory = take_inventory(tmp_path, LoadOptions())
    assert [f.service for f in inventory.files] == ["web"]
    assert inventory.left_out == {"foreign file": 1}
    assert inventory.left_out_examples == {"foreign file": f"r1/correct/{name}"}


def test_hidden_folders_are_left_out(tmp_path):
    inventory = take_inventory(write(tmp_path, "r1/correct/web.log", ".git/logs/HEAD.log"), LoadOptions())
    assert [f.service for f in inventory.files] == ["web"]
    assert inventory.left_out_examples == {"hidden folder": ".git"}


def test_utf16_without_an_ending_is_text(tmp_path):
    write(tmp_path, "r1/correct/web.log")
    (tmp_path / "r1/correct/ERRORLOG").write_bytes("up\n".encode("utf-16"))
    assert ids(tmp_path) == ["r1__correct__ERRORLOG", "r1__correct__web"]


PACKERS = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


@pytest.mark.parametrize("packed", PACKERS)
@pytest.mark.parametrize("ending", [".log", ".txt", ".out", ".err", ".json", ".jsonl", ".ndjson", ""])
def test_every_ending_and_compression_is_read(tmp_path, ending, packed):
    path = tmp_path / "r1" / "correct" / f"web{ending}{packed}"
    path.parent.mkdir(parents=True)
    path.write_bytes(PACKERS[packed](b"up\n" * 1000))
    (log,) = take_inventory(tmp_path, LoadOptions()).files
    assert log.seq_id == "r1__correct__web"
    assert b"".join(Reader(log)) == b"up\n" * 1000


@pytest.mark.parametrize("packed", [".gz", ".bz2", ".xz"])
@pytest.mark.parametrize("damage", ["cut", "none of it"])
def test_damaged_compression_is_unreadable(tmp_path, packed, damage):
    whole = PACKERS[packed](os.urandom(9999))
    (tmp_path / f"web.log{packed}").write_bytes(whole[:5000] if damage == "cut" else b"up\n")
    (log,) = take_inventory(tmp_path, LoadOptions()).files
    with pytest.raises(UNREADABLE):
        list(Reader(log))


def test_zstandard_without_its_library_is_a_bad_file_that_says_what_to_install(tmp_path, monkeypatch):
    for module in ("compression.zstd", "backports.zstd", "zstandard"):
        monkeypatch.setitem(sys.modules, module, None)
    write(tmp_path, "r1/correct/web.log.zst")
    (log,) = take_inventory(tmp_path, LoadOptions()).files
    with pytest.raises(NoZstandardError, match=r"lo2-pipeline\[zstd\]"):
        list(Reader(log))


def test_one_file_is_a_run_of_its_own_whatever_its_ending(tmp_path):
    write(tmp_path, "app.log", "odd.name")
    (log,) = take_inventory(tmp_path / "app.log", LoadOptions()).files
    assert (log.seq_id, b"".join(Reader(log))) == ("app.log__all__app", b"app.log\n")
    assert ids(tmp_path / "odd.name") == ["odd.name__all__odd"]


class _Input:
    def __init__(self, data: bytes) -> None:
        self.buffer = io.BytesIO(data)

    def isatty(self) -> bool:
        return False


def test_standard_input_is_a_run(monkeypatch):
    walk._spool_standard_input.cache_clear()
    monkeypatch.setattr("sys.stdin", _Input(b"up\ndown\n"))
    for _ in range(2):  # asked twice by `run`: read once
        (log,) = take_inventory("-", LoadOptions()).files
        assert (log.seq_id, b"".join(Reader(log))) == ("stdin__all__stdin", b"up\ndown\n")
    walk._spool_standard_input.cache_clear()


PATTERNS = {
    "{run}/{case}/{service}.log": ["r1__correct__web"],
    "{run}/*/{service}.log": ["r1__all__web"],
    "**/{case}/{service}.log": ["root__correct__web"],
    "{run}/**": ["r1__all__web"],
    "{run}/{case}/*.log": ["r1__correct__web"],
    "r{run}/{case}/w{service}.log": ["1__correct__eb"],
}


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_overrides_the_layout(tmp_path, pattern):
    assert ids(write(tmp_path / "root", "r1/correct/web.log"), layout=pattern) == PATTERNS[pattern]


def test_a_pattern_joins_rotated_files_and_says_what_it_left_out(tmp_path):
    write(tmp_path, "r1/correct/web.log", "r1/correct/web.log.1", "r1/correct/web.log.2", "other/web.log")
    inventory = take_inventory(tmp_path, LoadOptions(layout="{run}/{case}/{service}.log"))
    assert [f.relative[-5:] for f in inventory.files] == ["log.2", "log.1", "b.log"]
    assert inventory.left_out_examples == {"no match of --layout": "other/web.log"}


def test_a_pattern_that_matches_nothing_names_what_is_there(tmp_path):
    with pytest.raises(InputNotFoundError, match="no path matches --layout .*Found there: r1/correct/web.log"):
        take_inventory(write(tmp_path, "r1/correct/web.log"), LoadOptions(layout="{run}/{service}.log"))


@pytest.mark.parametrize(
    "pattern", ["", "a.log", "{pod}.log", "{run}/{run}.log", "{run}{case}/x", "{run", "{}", "{run}//x"]
)
def test_patterns_that_make_no_sense_are_refused(tmp_path, pattern):
    with pytest.raises(UsageError, match="--layout"):
        take_inventory(write(tmp_path, "r1/correct/web.log"), LoadOptions(layout=pattern))


def test_without_a_normal_case_all_count_as_normal_and_it_is_said(tmp_path):
    inventory = take_inventory(write(tmp_path, "r1/a/web.log", "r2/b/web.log"), LoadOptions())
    assert inventory.normal == inventory.options.normal == "*"
    assert [f.anomaly for f in inventory.files] == [False, False]
    assert "all logs count as normal" in inventory.notes[0]


@pytest.mark.parametrize("options", [{"unlabelled": True}, {"normal": "*"}])
def test_unlabelled_logs_are_all_normal_without_a_word(tmp_path, options):
    inventory = take_inventory(write(tmp_path, "r1/correct/web.log", "r1/bad/web.log"), LoadOptions(**options))
    assert (inventory.normal, inventory.notes) == ("*", ())
    assert [f.anomaly for f in inventory.files] == [False, False]


def test_a_normal_case_that_was_named_must_be_there(tmp_path):
    with pytest.raises(InputError, match=r"'good'. Test cases found: a, b. .*--unlabelled"):
        take_inventory(write(tmp_path, "r1/a/web.log", "r1/b/web.log"), LoadOptions(normal="good"))


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("run,label\nr1,normal\nr2,anomaly\n", [False, True, None]),
        ("label,seq_id\n1,r1__all__web\n0,r3__all__web\n", [True, None, False]),
        ("\ufeffrun,anomaly,why\nr1,False,\nr2,TRUE,x\nr3,ok,\n", [False, True, False]),
    ],
)
def test_labels_come_from_a_file(tmp_path, table, expected):
    (tmp_path / "labels.csv").write_text(table)
    root = write(tmp_path / "root", "r1/web.log", "r2/web.log", "r3/web.log")
    inventory = take_inventory(root, LoadOptions(labels=str(tmp_path / "labels.csv")))
    assert [f.anomaly for f in inventory.files] == expected
    assert len(inventory.notes) == (None in expected)


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ("name,label\nx,1\n", "its columns are name, label"),
        ("run,label\nr1,maybe\n", "line 2: 'maybe' is no label"),
        ("run,label\nr1,1\nr1,0\n", "line 3: 'r1' has another label above"),
        ("run,label\n", "holds no row"),
        ("run,label\nelsewhere,1\n", "no run of .* occurs, such as 'elsewhere'"),
        ("run,label\nr1\n", "None is no label"),
        ("", "its columns are none"),
    ],
)
def test_labels_that_make_no_sense_are_named(tmp_path, table, why):
    (tmp_path / "labels.csv").write_text(table)
    root = write(tmp_path / "root", "r1/web.log")
    with pytest.raises(InputError, match=why):
        take_inventory(root, LoadOptions(labels=str(tmp_path / "labels.csv")))


@pytest.mark.parametrize(
    "options",
    [{"unlabelled": True, "normal": "good"}, {"unlabelled": True, "labels": "x.csv"}, {"normal": ""}, {"profile": "x"}],
)
def test_options_that_contradict_each_other_are_refused(tmp_path, options):
    (tmp_path / "x.csv").write_text("run,label\nr1,1\n")
    with pytest.raises(UsageError):
        take_inventory(write(tmp_path / "root", "r1/web.log"), LoadOptions(**options))


LO2 = "08:00:01.250 [XNIO-1 task-1]  s3kK0Vb5TbiDLXR6nwfZ3w INFO c.n.Token call - up\n"


@pytest.mark.parametrize(
    ("text", "profile"), [(LO2, "lo2"), ("banner\n\n" + LO2, "lo2"), ("2024-05-02 08:00:01 up\n", "tree"), ("", "tree")]
)
def test_the_profile_is_told_from_names_and_first_lines(tmp_path, text, profile):
    write(tmp_path, "r1/correct/token.log", "r1/correct/jaeger.log", "r1/run_log.log")
    (tmp_path / "r1/correct/token.log").write_text(text)
    inventory = take_inventory(tmp_path, LoadOptions())
    assert inventory.profile == inventory.options.profile == profile
    assert take_inventory(tmp_path, LoadOptions(profile="lo2")).left_out == {"foreign file": 2}


def test_a_log_beside_the_cases_has_no_label_and_is_left_out(tmp_path):
    inventory = take_inventory(write(tmp_path, "r1/correct/web.log", "r1/notes.log"), LoadOptions())
    assert inventory.left_out_examples == {"log next to the test cases": "r1/notes.log"}


def test_a_file_that_got_shorter_says_so(tmp_path):
    (log,) = take_inventory(write(tmp_path, "r1/correct/web.log"), LoadOptions()).files
    (tmp_path / "r1/correct/web.log").write_text("")
    with pytest.raises(EOFError, match="had 19 bytes when it was listed and has 0 now"):
        list(Reader(log))


def test_an_unreadable_folder_is_bad(tmp_path, monkeypatch):
    write(tmp_path, "r1/correct/web.log", "r2/correct/web.log")
    real = os.scandir

    def scandir(path):
        if str(path).endswith("r2"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(walk.os, "scandir", scandir)
    inventory = take_inventory(tmp_path, LoadOptions())
    assert inventory.bad == (("r2", "the folder cannot be read (Permission denied)"),)
    assert inventory.left_out == {"unreadable folder": 1}


def test_names_that_are_not_utf8_are_opened_and_shown_as_text(tmp_path):
    name = os.fsdecode(b"r\xff/correct/w\xfe.log")
    write(tmp_path, name, "r%FF/correct/web.log")
    logs = list(take_inventory(tmp_path, LoadOptions()).files)
    assert [log.seq_id for log in logs] == ["r%25FF__correct__web", "r%FF__correct__w%FE"]
    assert logs[1].relative == "r%FF/correct/w%FE.log"
    assert b"".join(Reader(logs[1])) == os.fsencode(name) + b"\n"


def test_an_empty_root_is_refused():
    with pytest.raises(UsageError, match="a variable that is not set"):
        take_inventory("", LoadOptions())


def test_a_service_that_is_not_there_is_named_with_those_that_are(tmp_path):
    with pytest.raises(UsageError, match="Choices: db, web"):
        take_inventory(write(tmp_path, "r1/web.log", "r1/db.log"), LoadOptions(service_types=("wbe",)))
