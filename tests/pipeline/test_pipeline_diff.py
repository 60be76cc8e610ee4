"""Sides, pairing, original lines: real files through ``lo2.diff``."""

import gzip
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

import lo2
from lo2.errors import InputError, InputNotFoundError, UsageError
from lo2.kernel import kernel_allowed
from lo2.pipeline.options import DiffOptions

GOOD = "2024-05-02 08:00:0{0},120 INFO shop.Cart - cart {0} opened\n2024-05-02 08:00:0{0},500 INFO shop.Cart - cart {0} closed\n"


def write(path: Path, extra: str = "", n: int = 9) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(GOOD.format(i) for i in range(n)) + extra)
    return path


BROKEN = "2024-05-02 08:00:09,900 ERROR shop.Pay - the bank refused the card\n"


def found(good: object, bad: object, **options: object) -> list[tuple[str | None, int | None, str]]:
    result = lo2.diff(good, bad, **options)
    return [(one.file, one.line, one.kind) for one in result.findings]


def test_two_files_pair_whatever_their_names_and_endings(tmp_path):
    write(tmp_path / "yesterday.dat")
    write(tmp_path / "today.report.bak", BROKEN)
    assert found(tmp_path / "yesterday.dat", tmp_path / "today.report.bak") == [("today.report.bak", 19, "new")]


def test_options_are_taken_as_one_value_too(tmp_path):
    good, bad = write(tmp_path / "good.log"), write(tmp_path / "bad.log", BROKEN)
    assert lo2.diff(good, bad, DiffOptions(context=1)).findings == lo2.diff(good, bad, context=1).findings
    with pytest.raises(UsageError, match="takes options by name"):
        lo2.diff(good, bad, "context")
    with pytest.raises(UsageError, match="not both: context"):
        lo2.diff(good, bad, DiffOptions(), context=1)


def test_folders_pair_by_service_and_name_what_has_no_partner(tmp_path):
    write(tmp_path / "good" / "pay-2024-05-01.log")
    write(tmp_path / "good" / "web.log")
    write(tmp_path / "bad" / "pay-2024-05-02.log", BROKEN)
    write(tmp_path / "bad" / "extra.log")
    result = lo2.diff(tmp_path / "good", tmp_path / "bad")
    assert [(one.service, one.kind) for one in result.findings] == [("web", "gone"), ("pay", "new")]
    assert any("extra" in text for text in result.unpaired)


def test_folders_of_services_stay_apart(tmp_path):
    for side, extra in (("good", ""), ("bad", BROKEN)):
        write(tmp_path / side / "pay" / "app.log", extra)
        write(tmp_path / side / "web" / "app.log")
    result = lo2.diff(tmp_path / "good", tmp_path / "bad")
    assert [(one.service, one.file) for one in result.findings] == [("pay/app", "pay/app.log")]


def test_archives_and_packed_files_are_read_where_they_lie(tmp_path):
    write(tmp_path / "a" / "web.log")
    with tarfile.open(tmp_path / "good.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "a" / "web.log", "web.log")
    write(tmp_path / "b" / "web.log", BROKEN)
    packed = tmp_path / "bad" / "web.log.gz"
    packed.parent.mkdir()
    packed.write_bytes(gzip.compress((tmp_path / "b" / "web.log").read_bytes()))
    assert found(tmp_path / "good.tar.gz", tmp_path / "bad") == [("web.log.gz", 19, "new")]


def test_a_pattern_of_numbered_files_is_several_baselines(tmp_path):
    for i in (1, 2, 3):
        write(tmp_path / f"night-{i}.log")
    write(tmp_path / "bad.log", BROKEN)
    result = lo2.diff(str(tmp_path / "night-*.log"), tmp_path / "bad.log")
    assert [path.rpartition("/")[2] for path, _ in result.baselines] == ["night-1.log", "night-2.log", "night-3.log"]
    assert "never in 3 baselines" in result.findings[0].reason


def test_a_folder_of_runs_is_a_baseline_for_a_folder_of_one(tmp_path):
    for run in ("run-1", "run-2"):
        write(tmp_path / "nights" / run / "web.log")
    write(tmp_path / "last" / "web.log", BROKEN)
    assert found(tmp_path / "nights", tmp_path / "last") == [("web.log", 19, "new")]


def test_a_pattern_without_files_and_a_missing_path_are_refused(tmp_path):
    write(tmp_path / "a.log")
    with pytest.raises(InputNotFoundError, match="fits no file"):
        lo2.diff(str(tmp_path / "x*.log"), tmp_path / "a.log")
    with pytest.raises(InputNotFoundError, match="does not exist"):
        lo2.diff(tmp_path / "a.log", tmp_path / "b.log")


def test_sides_without_a_common_service_are_refused_with_their_names(tmp_path):
    for name in ("a", "b"):
        write(tmp_path / "good" / f"{name}.log")
        write(tmp_path / "bad" / f"x{name}.log")
    with pytest.raises(InputError, match="no service has a partner"):
        lo2.diff(tmp_path / "good", tmp_path / "bad")


def test_an_empty_bad_log_is_a_silent_service(tmp_path):
    write(tmp_path / "good.log")
    (tmp_path / "bad.log").write_text("")
    assert found(tmp_path / "good.log", tmp_path / "bad.log") == [(None, None, "gone")]


def test_text_is_redacted_and_template_text_masked(tmp_path):
    write(tmp_path / "good.log")
    write(
        tmp_path / "bad.log",
        "2024-05-02 08:00:09,900 ERROR shop.Pay - cannot log in with password=Hunter2xyz at order 4711\n",
    )
    (one,) = lo2.diff(tmp_path / "good.log", tmp_path / "bad.log").findings
    assert one.text is not None
    assert "order 4711" in one.text
    assert "Hunter2xyz" not in one.text + one.template_text
    assert one.template_text == "ERROR shop.Pay cannot log in with password=<*> at order <*>"
    (raw,) = lo2.diff(tmp_path / "good.log", tmp_path / "bad.log", no_redact=True).findings
    assert "Hunter2xyz" in str(raw.text)


def test_a_teams_own_secrets_are_redacted(tmp_path):
    write(tmp_path / "good.log")
    write(tmp_path / "bad.log", "2024-05-02 08:00:09,900 ERROR shop.Pay - customer ACME cannot pay\n")
    (one,) = lo2.diff(tmp_path / "good.log", tmp_path / "bad.log", redact=("ACME",)).findings
    assert "ACME" not in str(one.text)


def test_whether_anything_failed_is_told_from_nothing_failed(tmp_path):
    (tmp_path / "good.log").write_text("host a : ok=31 changed=2 failed=0\nbye\n")
    (tmp_path / "bad.log").write_text("host a : ok=30 changed=2 failed=1\nbye\n")
    assert found(tmp_path / "good.log", tmp_path / "bad.log") == [("bad.log", 1, "changed")]
    (tmp_path / "good.log").write_text("ok: 21 changed: 12 unreachable: 0 failed: 0\n12 passed in 3.1s\n")
    (tmp_path / "bad.log").write_text("ok: 20 changed: 11 unreachable: 0 failed: 1\n1 failed, 11 passed in 3.2s\n")
    assert [one.end_line for one in lo2.diff(tmp_path / "good.log", tmp_path / "bad.log").findings] == [2]
    (tmp_path / "good.log").write_text("host a : ok=31 changed=2 failed=0\nbye\n")
    (tmp_path / "bad.log").write_text("host a : ok=29 changed=3 failed=0\nbye\n")
    assert found(tmp_path / "good.log", tmp_path / "bad.log") == []


@pytest.mark.parametrize("compiled", [True, False])
def test_one_failure_among_many_lines_that_are_alike_is_told(tmp_path, compiled):
    lines = [f"host a{i} : ok={i} changed={i % 7} failed=0" for i in range(300)]
    (tmp_path / "good.log").write_text("\n".join(lines) + "\n")
    (tmp_path / "bad.log").write_text("\n".join([*lines[:200], lines[200][:-1] + "3", *lines[201:]]) + "\n")
    with kernel_allowed(compiled):
        assert found(tmp_path / "good.log", tmp_path / "bad.log") == [("bad.log", 201, "changed")]


def test_noise_of_builds_does_not_show(tmp_path):
    lines = (
        "2024-05-02 08:00:01 HEAD is now at {a} Mend {w}\nDownloading thing-{v}.whl (1.{v} MB)\n"
        "  {v}% |#########     | {v} kB eta 0:00:0{v}\ncreated /tmp/tmp{a}x/build in 0.{v}s\nWarmed {v}00 rows\n"
    )
    (tmp_path / "good.log").write_text(lines.format(a="0a1b2c3", w="the cart", v=4))
    (tmp_path / "bad.log").write_text(lines.format(a="9f8e7d6", w="payment rules", v=7))
    assert found(tmp_path / "good.log", tmp_path / "bad.log") == []


def test_lines_in_another_order_are_no_findings(tmp_path):
    lines = [
        f"test of {word} passed in 0.{i}s\n" for i, word in enumerate(["cart", "order", "bank", "card", "user", "mail"])
    ]
    (tmp_path / "good.log").write_text("".join(lines))
    (tmp_path / "bad.log").write_text("".join(lines[::-1]))
    assert found(tmp_path / "good.log", tmp_path / "bad.log") == []


def test_nothing_heavy_is_imported(tmp_path):
    write(tmp_path / "good.log")
    write(tmp_path / "bad.log", BROKEN)
    program = (
        "import sys; from lo2.cli.main import run; run(['diff', sys.argv[1], sys.argv[2], '--json']);"
        "heavy = [m for m in ('sklearn', 'scipy', 'matplotlib', 'jinja2', 'shap', 'rich') if m in sys.modules]; sys.exit(len(heavy))"
    )
    arguments = [sys.executable, "-c", program, str(tmp_path / "good.log"), str(tmp_path / "bad.log")]
    assert subprocess.run(arguments, capture_output=True, check=False).returncode == 0


def test_a_good_log_without_a_line_is_refused(tmp_path):
    write(tmp_path / "bad.log")
    (tmp_path / "good.log").write_text("")
    with pytest.raises(InputError, match="the good logs hold no line"):
        lo2.diff(tmp_path / "good.log", tmp_path / "bad.log")


def test_a_file_that_cannot_be_read_is_named_and_the_rest_compared(tmp_path, capsys):
    from lo2.cli.main import run

    for side, extra in (("good", ""), ("bad", BROKEN)):
        write(tmp_path / side / "pay.log", extra)
        write(tmp_path / side / "web.log")
    (tmp_path / "bad" / "db.log.gz").write_bytes(b"\x1f\x8b\x08 no such thing")
    assert run(["diff", str(tmp_path / "good"), str(tmp_path / "bad")]) == 1
    assert "pay.log:19  new" in capsys.readouterr().out
    assert run(["diff", str(tmp_path / "good"), str(tmp_path / "bad"), "--skip-bad-files"]) == 0
    assert "unreadable: db.log.gz" in capsys.readouterr().out


def test_a_file_of_own_secrets_is_read(tmp_path):
    write(tmp_path / "good.log")
    write(tmp_path / "bad.log", "2024-05-02 08:00:09,900 ERROR shop.Pay - customer ACME cannot pay\n")
    (tmp_path / "own.txt").write_text("# customers\nACME\n")
    (one,) = lo2.diff(tmp_path / "good.log", tmp_path / "bad.log", redact=str(tmp_path / "own.txt")).findings
    assert "ACME" not in f"{one.text} {one.template_text} {one.nearest}"
