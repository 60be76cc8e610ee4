import datetime as dt
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lo2.artefacts import files
from lo2.artefacts.layout import ARTEFACTS, Home, home, identify_artefact
from lo2.artefacts.lock import lock
from lo2.artefacts.naming import RunName
from lo2.errors import LockedError

names = st.builds(
    RunName,
    st.dates(dt.date(2000, 1, 1), dt.date(2099, 12, 31)),
    st.lists(st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True), min_size=1, max_size=3).map("+".join),
    st.none() | st.floats(0.0001, 0.5).map(lambda x: round(x, 4)),
    st.integers(1, 40),
)


@given(names)
def test_run_names_parse_back_to_what_was_printed(name):
    assert RunName.parse_run_name(str(name)) == name
    assert RunName.parse_run_name(f"run_{name}") == name


@pytest.mark.parametrize(
    "text", ["2025-11-03", "words_0.10", "2025-11-03_Words_0.10", "2025-11-03_words_0.10.1", "2025-13-03_words_0.10"]
)
def test_other_names_are_refused(text):
    with pytest.raises(ValueError):
        RunName.parse_run_name(text)


def test_every_path_is_identified_as_its_own_row():
    fields = {
        "model": "lr_words",
        "run": "2025-11-03_words_0.10",
        "file": "if_metrics.csv",
        "fingerprint": "ab12",
        "folder": "lr_words-1a2b3c4d",
    }
    for row in ARTEFACTS.values():
        found = identify_artefact(row.pattern.format(**fields))
        assert found is not None
        assert found[0].name == row.name


def test_logical_names_and_paths_are_inverse_wherever_the_folders_are(tmp_path):
    for place in (Home(tmp_path / "r", tmp_path / "m"), Home(tmp_path / "r", tmp_path / "r/models", tmp_path / "x")):
        for row in ARTEFACTS.values():
            logical = row.pattern.format(model="if", run="a", file="b", fingerprint="c", folder="d")
            assert place.logical(place.locate_artefact(logical)) == logical
    with pytest.raises(ValueError, match="neither"):
        Home(tmp_path / "r", tmp_path / "m").logical(tmp_path / "elsewhere")


def test_the_default_root_follows_lo2_home_and_variants_do_not(monkeypatch):
    monkeypatch.setenv("LO2_HOME", "/somewhere")
    assert home().result == Path("/somewhere")
    assert home(variant="lo2_drain") == Home(Path("demo/result/lo2_drain"), Path("models/lo2_drain"))


def test_a_failed_write_leaves_the_old_file_and_no_trace(tmp_path):
    target = tmp_path / "a.txt"
    files.write_text(target, "old")

    def half() -> None:
        with files.atomic_write(target) as part:
            part.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_killed_writer_leaves_the_old_or_the_new_file_and_the_lock_sweeps_the_rest(tmp_path):
    place = Home(tmp_path / "result", tmp_path / "models")
    target = place.path("quality")
    loop = (
        "import sys, itertools; from pathlib import Path; from lo2.artefacts.files import write_bytes\n"
        "for i in itertools.count(): write_bytes(Path(sys.argv[1]), bytes([i % 256]) * 300_000); print(i, flush=True)"
    )
    for rounds in range(8):
        with subprocess.Popen([sys.executable, "-c", loop, str(target)], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            for _ in range(1 + rounds):
                writer.stdout.readline()
            writer.send_signal(signal.SIGKILL)
            writer.wait()
        data = target.read_bytes()
        assert len(data) == 300_000
        assert len(set(data)) == 1
    with lock(place):
        assert [path.name for path in place.result.iterdir() if path.name.startswith(files.TEMPORARY)] == []


def test_a_second_process_is_refused_while_the_lock_is_held(tmp_path):
    place = Home(tmp_path / "result", tmp_path / "models")
    code = (
        "import sys; from pathlib import Path\n"
        "from lo2.artefacts.layout import Home; from lo2.artefacts.lock import lock\n"
        "with lock(Home(Path(sys.argv[1]), Path(sys.argv[2]))): print('held', flush=True); sys.stdin.read()"
    )
    arguments = [sys.executable, "-c", code, str(place.result), str(place.models)]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(LockedError, match="Another run"), lock(place):
            pass
        with pytest.raises(LockedError), lock(Home(tmp_path / "another", place.models)):
            pass
        other.communicate("")
    with lock(place), lock(place):
        pass


def test_cells_that_a_spreadsheet_would_run_are_made_safe_and_numbers_stay(tmp_path):
    files.write_csv(
        tmp_path / "a.csv", pl.DataFrame({"text": ["=1+1", "@x", "-a", "fine"], "n": [-1.5, 2.0, 3.0, 4.0]})
    )
    assert (tmp_path / "a.csv").read_text() == "text,n\n'=1+1,-1.5\n'@x,2.0\n'-a,3.0\nfine,4.0\n"


def test_equal_frames_give_equal_parquet_bytes(tmp_path):
    frame = pl.DataFrame({"a": list(range(1000)), "b": [["x", "y"]] * 1000})
    for name in ("a.parquet", "b.parquet"):
        files.write_parquet(tmp_path / name, frame.clone())
    files.write_parquet(tmp_path / "c.parquet", frame.lazy())
    assert files.sha256(tmp_path / "a.parquet") == files.sha256(tmp_path / "b.parquet")
    assert pl.read_parquet(tmp_path / "c.parquet").equals(frame)


def test_numbers_that_are_none_are_refused_in_json():
    with pytest.raises(ValueError, match="JSON compliant"):
        files.json_text({"auc": float("nan")})
