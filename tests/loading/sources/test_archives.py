"""Archives of every layout give what the folder tree gives; hostile ones are refused."""

import gzip
import io
import os
import shutil
import tarfile
import tracemalloc
import zipfile
from pathlib import Path

import polars as pl
import pytest

from lo2.artefacts.layout import Home
from lo2.engine import EngineOptions
from lo2.errors import InputError, InputNotFoundError, RunFailedError
from lo2.loading.events import event_frames
from lo2.loading.inventory import LoadOptions, LogFile, take_inventory
from lo2.loading.sources.blocks import Reader
from lo2.loading.sources.members import release
from lo2.pipeline.load import load_run, refuse_bad_files
from lo2.simulate.options import SimulateOptions
from lo2.simulate.tree import simulate

ONE = EngineOptions(backend="sequential")
STORED, DEFLATED = zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("archived")
    simulate(root, SimulateOptions(runs=3, errors_per_run=2, scale=0.01, seed=7, service_types=("token", "code")))
    (root / "truth.csv").unlink()
    (min(root.iterdir()) / "metrics" / "deep").mkdir(parents=True, exist_ok=True)
    (min(root.iterdir()) / "metrics" / "deep" / "a.log").write_text("x\n")
    return root


@pytest.fixture(autouse=True)
def _closed():
    yield
    release()


def events_of(file: LogFile) -> pl.DataFrame:
    return pl.concat(event_frames([file]))


def tar_of(folder: Path, *, inside: str, mode: str = "w") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        archive.add(folder, arcname=inside)
    return buffer.getvalue()


def zip_of(tree: Path, target: Path, compression: int) -> None:
    with zipfile.ZipFile(target, "w", compression) as archive:
        for path in sorted(tree.rglob("*")):
            archive.write(path, path.relative_to(tree))


def zip_of_tars(tree: Path, target: Path, compression: int, *, inside: bool = True, mode: str = "w") -> None:
    with zipfile.ZipFile(target, "w", compression) as archive:
        for run in sorted(tree.iterdir(), reverse=True):
            suffix = "" if mode == "w" else ".gz"
            archive.writestr(f"{run.name}.tar{suffix}", tar_of(run, inside=run.name if inside else ".", mode=mode))


def tar(tree: Path, target: Path, mode: str) -> None:
    with tarfile.open(target, mode) as archive:
        for path in sorted(tree.rglob("*"), key=lambda p: (p.name, str(p))):  # runs interleaved, the worst order
            archive.add(path, arcname=str(path.relative_to(tree)), recursive=False)


LAYOUTS = {
    "stored.zip": lambda tree, target: zip_of(tree, target, STORED),
    "deflated.zip": lambda tree, target: zip_of(tree, target, DEFLATED),
    "tars-stored.zip": lambda tree, target: zip_of_tars(tree, target, STORED),
    "tars-deflated.zip": lambda tree, target: zip_of_tars(tree, target, DEFLATED),
    "tars-without-run.zip": lambda tree, target: zip_of_tars(tree, target, DEFLATED, inside=False),
    "tars-gz.zip": lambda tree, target: zip_of_tars(tree, target, STORED, mode="w:gz"),
    "plain.tar": lambda tree, target: tar(tree, target, "w"),
    "packed.tar.gz": lambda tree, target: tar(tree, target, "w:gz"),
    "packed.tgz": lambda tree, target: tar(tree, target, "w:gz"),
}


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
def test_an_archive_gives_the_bytes_of_the_folder_tree(tree, tmp_path, layout):
    target = tmp_path / layout
    LAYOUTS[layout](tree, target)
    sums = set()
    for i, root in enumerate((tree, target)):
        where = Home(tmp_path / f"{i}", tmp_path / "models")
        loaded = load_run(root, where, engine=EngineOptions(backend="sequential"))
        sums.add(where.path("sums").read_text())
    assert len(sums) == 1, "sequences, templates, quality report and provenance are the same"
    assert loaded.quality["left_out"]["folder metrics"] == 1
    assert {p.name for p in tmp_path.iterdir()} <= {layout, "0", "1", "models"}, "nothing was unpacked"


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
def test_events_of_single_logs_come_with_file_and_line(tree, tmp_path, layout):
    LAYOUTS[layout](tree, tmp_path / layout)
    plain = {f.seq_id: f for f in take_inventory(tree, LoadOptions()).files}
    packed = {f.seq_id: f for f in take_inventory(tmp_path / layout, LoadOptions()).files}
    assert list(plain) == list(packed)
    for seq_id in reversed(sorted(plain)[:5]):  # against the order of the archive
        assert events_of(packed[seq_id]).equals(events_of(plain[seq_id]))


def test_packed_logs_in_an_archive_are_unpacked_twice(tree, tmp_path):
    import gzip

    root = tmp_path / "tree"
    shutil.copytree(tree, root)
    for log in sorted(root.rglob("light*.log")):
        log.with_name(log.name + ".gz").write_bytes(gzip.compress(log.read_bytes(), mtime=0))
        log.unlink()
    zip_of_tars(root, tmp_path / "a.zip", DEFLATED)
    frames = [events_of(next(take_inventory(p, LoadOptions()).files)) for p in (tree, tmp_path / "a.zip")]
    assert frames[0].drop("file").equals(frames[1].drop("file"))


def entry(name: str, data: bytes = b"x\n", kind: bytes = tarfile.REGTYPE) -> tuple[tarfile.TarInfo, io.BytesIO]:
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = (len(data) if kind == tarfile.REGTYPE else 0), kind, "../../etc/passwd"
    return info, io.BytesIO(data)


GOOD = "r/correct/token.log"


@pytest.mark.parametrize(
    "name", ["/r/correct/user.log", "../r/correct/user.log", "r/../../x/user.log", "r\\correct\\user.log"]
)
@pytest.mark.parametrize("nested", [False, True])
def test_names_that_lead_out_are_refused(tmp_path, name, nested):
    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode="w") as archive:
        archive.addfile(*entry(GOOD))
        archive.addfile(*entry(name))
    target = tmp_path / ("a.zip" if nested else "a.tar")
    if nested:
        with zipfile.ZipFile(target, "w") as whole:
            whole.writestr("r.tar", inner.getvalue())
    else:
        target.write_bytes(inner.getvalue())
    with pytest.raises(InputError, match="leads out of the archive"):
        take_inventory(target, LoadOptions())


def test_links_and_devices_in_a_tar_are_counted_and_never_followed(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.addfile(*entry(GOOD))
        for service, kind in (("user", tarfile.SYMTYPE), ("code", tarfile.LNKTYPE), ("key", tarfile.FIFOTYPE)):
            archive.addfile(*entry(f"r/correct/{service}.log", kind=kind))
    inventory = take_inventory(tmp_path / "a.tar", LoadOptions())
    assert [f.service for f in inventory.files] == ["token"]
    assert inventory.left_out == {"symbolic link": 2, "not a regular file": 1}


def test_a_link_in_a_zip_is_counted(tmp_path):
    info = zipfile.ZipInfo("r/correct/user.log")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("r/correct/token.log", "x\n")
        archive.writestr(info, "/etc/passwd")
    assert take_inventory(tmp_path / "a.zip", LoadOptions()).left_out == {"symbolic link": 1}


@pytest.mark.parametrize("kind", ["a.tar", "a.zip"])
def test_a_name_that_occurs_twice_is_refused(tmp_path, kind):
    if kind == "a.tar":
        with tarfile.open(tmp_path / kind, "w") as archive:
            archive.addfile(*entry(GOOD))
            archive.addfile(*entry("./r/correct/token.log"))
    else:
        with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(tmp_path / kind, "w") as archive:
            archive.writestr("r/correct/token.log", "a\n")
            archive.writestr("r/correct/token.log", "b\n")
    with pytest.raises(InputError, match="occurs twice"):
        take_inventory(tmp_path / kind, LoadOptions())


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
def test_a_truncated_archive_says_what_is_missing(tree, tmp_path, layout):
    target = tmp_path / layout
    LAYOUTS[layout](tree, target)
    whole = {f.relative for f in take_inventory(target, LoadOptions()).files}
    release()
    os.truncate(target, target.stat().st_size // 2)
    if target.suffix == ".zip":  # its directory is at the end
        with pytest.raises(InputError, match="cannot be read as an archive"):
            take_inventory(target, LoadOptions())
    else:
        inventory = take_inventory(target, LoadOptions())
        assert {f.relative for f in inventory.files} < whole
        assert [path for path, why in inventory.bad if "damaged or cut off" in why] == [target.name]


def test_a_damaged_tar_in_a_zip_is_a_bad_file(tree, tmp_path):
    zip_of_tars(tree, tmp_path / "a.zip", DEFLATED)
    with zipfile.ZipFile(tmp_path / "a.zip", "a") as archive:
        archive.writestr("light-oauth2-data-1.tar", b"no tar")
    inventory = take_inventory(tmp_path / "a.zip", LoadOptions())
    assert len(inventory.shards) == 3
    assert [path for path, _ in inventory.bad] == ["light-oauth2-data-1.tar"]
    loaded = load_run(tmp_path / "a.zip", Home(tmp_path / "r", tmp_path / "m"), engine=ONE)
    with pytest.raises(RunFailedError, match="light-oauth2-data-1.tar"):
        refuse_bad_files(loaded, LoadOptions())
    refuse_bad_files(loaded, LoadOptions(skip_bad_files=True))


def test_a_damaged_header_in_a_tar_does_not_end_it_in_silence(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for i in range(4):
            archive.addfile(*entry(f"r{i}/correct/web.log"))
    with (tmp_path / "a.tar").open("r+b") as handle:
        handle.seek(2 * 1024 + 148)
        handle.write(b"999999\0 ")
    inventory = take_inventory(tmp_path / "a.tar", LoadOptions())
    assert [s.run for s in inventory.shards] == ["r0", "r1"]
    assert inventory.bad == (("a.tar", inventory.bad[0][1]),)
    assert inventory.bad[0][1].endswith("behind r1/correct/web.log")


def test_a_compressed_tar_with_a_wrong_checksum_is_a_bad_file(tree, tmp_path):
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        archive.add(tree, arcname=".")
    packed = bytearray(gzip.compress(path.read_bytes(), 0))
    where = packed.index(b"DEBUG")
    packed[where : where + 5] = b"ERROR"
    damaged = tmp_path / "a.tar.gz"
    damaged.write_bytes(packed)
    found = take_inventory(damaged, LoadOptions(), labelled=False)
    assert found.bad[0][0] == "a.tar.gz"
    assert "damaged" in found.bad[0][1]
    damaged.write_bytes(gzip.compress(path.read_bytes()))
    assert not take_inventory(damaged, LoadOptions(), labelled=False).bad


def test_a_tar_that_a_zip_holds_as_it_is_has_the_checksum_of_the_zip(tree, tmp_path):
    path = tmp_path / "a.zip"
    zip_of_tars(tree, path, STORED)
    assert not take_inventory(path, LoadOptions(), labelled=False).bad
    release()
    damaged = bytearray(path.read_bytes())
    where = damaged.index(b"DEBUG")
    damaged[where : where + 5] = b"ERROR"
    path.write_bytes(damaged)
    ((name, why),) = take_inventory(path, LoadOptions(), labelled=False).bad
    assert name.endswith(".tar")
    assert "checksum" in why


def test_an_encrypted_member_is_a_bad_file(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("r/correct/web.log", "x\n")
        archive.writestr("r/correct/db.log", "x\n")
    data = bytearray((tmp_path / "a.zip").read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "a.zip").write_bytes(data)
    inventory = take_inventory(tmp_path / "a.zip", LoadOptions())
    assert [f.service for f in inventory.files] == ["db"]
    assert [(path, "encrypted" in why) for path, why in inventory.bad] == [("r/correct/web.log", True)]


@pytest.mark.parametrize("ending", ["zip", "tar", "tar.gz", "tar.bz2", "tar.xz"])
def test_files_without_an_ending_are_looked_at_in_archives_too(tmp_path, ending):
    content = {"r/correct/syslog": b"x\n" * 999, "r/correct/core": b"\0" * 99, "r/correct/web.log": b"y\n"}
    target = tmp_path / f"a.{ending}"
    if ending == "zip":
        with zipfile.ZipFile(target, "w") as archive:
            for name, data in content.items():
                archive.writestr(name, data)
    else:
        with tarfile.open(target, f"w:{ending.partition('.')[2]}") as archive:
            for name, data in content.items():
                archive.addfile(*entry(name, data))
    inventory = take_inventory(target, LoadOptions())
    assert [f.service for f in inventory.files] == ["syslog", "web"]
    assert inventory.left_out_examples == {"foreign file": "r/correct/core"}
    assert b"".join(Reader(next(iter(inventory.files)))) == b"x\n" * 999


def test_many_small_members_take_little_memory(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for i in range(20_000):
            archive.writestr(f"r{i % 9}/correct/s{i}.log", "")
    tracemalloc.start()
    inventory = take_inventory(tmp_path / "a.zip", LoadOptions())
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(1 for _ in inventory.files) == 20_000
    assert kept < 20_000 * 2_000


def test_a_damaged_member_is_a_bad_file_of_its_own(tree, tmp_path):
    target = tmp_path / "a.zip"
    zip_of(tree, target, DEFLATED)
    with zipfile.ZipFile(target) as archive:
        info = archive.getinfo(next(take_inventory(target, LoadOptions()).files).relative)
        place = info.header_offset + 30 + len(info.filename) + info.compress_size // 2
    with target.open("r+b") as handle:
        handle.seek(place)
        handle.write(b"\xff" * 64)
    loaded = load_run(target, Home(tmp_path / "r", tmp_path / "m"), engine=EngineOptions(backend="sequential"))
    assert len(loaded.quality["bad_files"]) == 1


def test_other_files_are_named_with_what_was_expected(tmp_path):
    os.mkfifo(tmp_path / "a.txt")
    with pytest.raises(InputNotFoundError, match=r"neither a folder nor a file. Expected a folder .*\.tar\.gz"):
        take_inventory(tmp_path / "a.txt", LoadOptions())
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("picture.png", "x")
    with pytest.raises(InputNotFoundError, match="no log matches"):
        take_inventory(tmp_path / "a.zip", LoadOptions())


@pytest.mark.parametrize("inner", ["r1/correct/a.log", "r1.tar.gz"])
def test_a_name_that_lies_before_the_data_of_a_zip_is_a_bad_file(tree, tmp_path, inner):
    """Found by fuzzing: the name there says that it is UTF-8, and is not."""
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        data = b"up\n" if inner.endswith("log") else tar_of(min(tree.iterdir()), inside="r1", mode="w:gz")
        archive.writestr(f"{inner[:2]}\u00e9{inner[2:]}", data)
        archive.writestr("r1/correct/b.log", b"up\n")
    whole = path.read_bytes()
    assert b"\xc3\xa9" in whole[:64]
    path.write_bytes(whole.replace(b"\xc3\xa9", b"\xff\xa9", 1))
    inventory = take_inventory(path, LoadOptions(), labelled=False)
    if inner.endswith("log"):
        with pytest.raises(OSError, match="cannot be unpacked"):
            list(Reader(next(log for log in inventory.files if log.relative.endswith("a.log"))))
    else:
        assert [log.relative for log in inventory.files] == ["r1/correct/b.log"]
