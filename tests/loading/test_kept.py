"""Logs of compressed tars that are scanned while they are listed come out as if they were read."""

import io
import tarfile
from pathlib import Path

import pytest

from lo2.artefacts.layout import Home
from lo2.engine import EngineOptions
from lo2.errors import InputError
from lo2.kernel import allowed, kernel
from lo2.loading.inventory import LoadOptions, take_inventory
from lo2.loading.kept import keeper, keeping
from lo2.pipeline.load import load_run
from lo2.simulate import SimulateOptions, simulate

pytestmark = pytest.mark.skipif(kernel() is None, reason="kept by the compiled twin alone")
ONE = EngineOptions(backend="sequential")


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("kept")
    simulate(root / "tree", SimulateOptions(runs=3, errors_per_run=2, scale=0.02, seed=3))
    log = next((root / "tree").glob("*/correct/*token*.log"))
    log.write_bytes(b"no header\xff\n" + b"x" * 200_000 + b"\n" + log.read_bytes() + b"\x00 the end")
    with tarfile.open(root / "logs.tar.gz", "w:gz") as target:
        for path in sorted((root / "tree").rglob("*"), reverse=True):
            target.add(path, path.relative_to(root / "tree"), recursive=False)
    return root / "logs.tar.gz"


def logs(name: str) -> bool:
    return name.endswith(".log")


def loaded(root: Path, folder: Path, limit: int | None) -> tuple[str, int]:
    """Sums of a load, and how many logs had been kept."""
    where = Home(folder / "result", folder / "models")
    if limit is None:
        load_run(root, where, engine=ONE)
        return where.path("sums").read_text(), 0
    with keeping(logs, limit):
        inventory = take_inventory(root, LoadOptions())
        kept = sum(keeper().has(file) for file in inventory.files)
        load_run(root, where, engine=ONE, inventory=inventory)
    return where.path("sums").read_text(), kept


def test_kept_logs_give_the_bytes_of_logs_that_are_read(archive, tmp_path):
    read, _ = loaded(archive, tmp_path / "read", None)
    files = len(list(take_inventory(archive, LoadOptions()).files))
    for name, limit, expected in (("all", 10**9, {files}), ("some", 30_000, set(range(1, files))), ("none", 0, {0})):
        sums, kept = loaded(archive, tmp_path / name, limit)
        assert kept in expected
        assert sums == read


def test_nothing_is_kept_without_the_compiled_twin_or_of_what_is_not_a_compressed_tar(archive, tmp_path):
    with allowed(False), keeping(logs):
        assert keeper() is None
    with keeping(logs):
        assert not any(keeper().has(file) for file in take_inventory(archive.with_name("tree"), LoadOptions()).files)
    assert keeper() is None


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9, 0.999])
def test_a_cut_archive_is_said_to_be_cut_where_logs_are_kept_too(archive, tmp_path, share):
    whole = archive.read_bytes()
    cut = tmp_path / "cut.tar.gz"
    cut.write_bytes(whole[: int(len(whole) * share)])
    found = []
    for limit in (None, 10**9):
        try:
            found.append((loaded(cut, tmp_path / str(limit), limit)[0], take_inventory(cut, LoadOptions()).bad))
        except InputError as error:
            found.append((str(error), ()))
    assert found[0] == found[1]


def test_a_log_that_a_damaged_stream_ends_in_is_not_kept(tmp_path):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:xz") as target:
        for factor, service in ((3, "token"), (7, "code")):
            data = b"".join(b"16:29:40.148 [main]   DEBUG a.b c - %d\n" % (factor * i * i) for i in range(50_000))
            info = tarfile.TarInfo(f"run/correct/light-oauth2-oauth2-{service}-1.log")
            info.size = len(data)
            target.addfile(info, io.BytesIO(data))
    (tmp_path / "a.tar.xz").write_bytes(buffer.getvalue()[: len(buffer.getvalue()) * 3 // 4])
    with keeping(logs):
        inventory = take_inventory(tmp_path / "a.tar.xz", LoadOptions())
        assert [keeper().has(file) for file in inventory.files] == [False, True]  # code, token
        assert inventory.bad
