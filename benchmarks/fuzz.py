"""Do files from strangers crash it? Mutated files of each kind, for minutes, in a process that may die.

    python benchmarks/fuzz.py bundle --minutes 10 --corpus /var/tmp/corpus
    python benchmarks/fuzz.py all --minutes 2

Targets: `bundle` (bytes of pickles), `state` (attributes and nodes of fitted models, pickled anew and scored), `card`,
`manifest`, `provenance`, `zip` (what `unpack` reads), `archive` (the inventory of packed logs), `header` (random bytes
through `lo2.loading.lines.scan`), `log` (a log of any format: envelopes, recogniser, times, fields, masks; in one block and in
several, whose lines must agree). Seeds are made here; what is in CORPUS/TARGET is added. An input that ends in anything but
a result or an error of ours, takes more than 30 s or 1 GB, or kills its process, is kept as CORPUS/TARGET/crash-HASH.
"""

import argparse
import copy
import hashlib
import io
import itertools
import json
import os
import pickle
import random
import resource
import signal
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import polars as pl
from sklearn.feature_extraction.text import CountVectorizer

from lo2.artefacts import card, exchange_zip, provenance
from lo2.artefacts.bundle import payload_from_bytes
from lo2.artefacts.files import json_text, sha256_bytes, sha256_sums_text, yaml_text
from lo2.artefacts.json_yaml import DocumentError, decode_bounded_text, parse_json, parse_yaml
from lo2.errors import Lo2Error
from lo2.loading.formats.headers import HEADERS
from lo2.loading.inventory import LoadOptions, take_inventory
from lo2.loading.lines import scan as scanning
from lo2.loading.lines.index import Index
from lo2.loading.lines.parser import Parser, Uses
from lo2.loading.sources.blocks import Reader
from lo2.loading.sources.files import LogFile
from lo2.loading.times.dates import complete_dates
from lo2.masking.profiles import profile_masking
from lo2.models.base import NUMERIC, ORDER
from lo2.models.bundles import EXTRA_ALLOWED, fitted_from_bundle, self_test_scores
from lo2.models.table import MODELS

TOKENS = [["a", "b"], ["b", "c", "c"], ["a"], ["d", "a", "e"], ["b", "e"], ["c", "f"], ["g"], ["a", "g", "f"]] * 3
EDGES = [0, 1, 0x7F, 0x80, 0xFF, 10, 13, 32, 34, 39, 46, 47, 91, 92, 123]
ODD: list[Any] = [
    None, -1, 0, 1, 2**31, 2**40, 2**62, 10**400, True, 0.5, float("nan"), float("inf"), -1e308, "x", "", "\ud800",
    b"x", [], {}, (), [[]], list, tuple, str, np.float64(1), np.int64(-5), np.zeros(0), np.zeros((0, 3)),
    np.array([1, -2, 2**40]), np.arange(6.0).reshape(2, 3), np.zeros((3, 3), np.int32), np.array(["a"]), {"a": 1},
]  # fmt: skip


def models() -> list[tuple[str, Any, Any]]:
    """Small fitted models of every kind: name, estimator, vectoriser."""
    found = []
    for name, spec in MODELS.items():
        if spec.column == NUMERIC:
            vectorizer, X = None, np.random.default_rng(0).random((24, 3))
        elif spec.column == ORDER:
            vectorizer = spec.vectorise([[1, 2, 3], [2, 3], [1, 3, 3, 2]] * 8)
            X = vectorizer.transform([[1, 2, 3], [2, 3], [1, 3, 3, 2]] * 8)
        else:
            vectorizer = CountVectorizer(analyzer=list, dtype=np.float32)
            X = vectorizer.fit_transform(TOKENS)
        labels = {"y": [i % 3 == 0 for i in range(24)]} if spec.supervised else {}
        try:
            estimator = spec.build(seed=0)
            if hasattr(estimator, "n_estimators"):
                estimator.n_estimators = 5
            found.append((name, estimator.fit(X, **labels), vectorizer))
        except (ImportError, TypeError, ValueError) as error:
            print(f"no seed of {name}: {error}")
    return found


def made_apart() -> list[tuple[str, Any, Any]]:
    """``models()`` of another process: threads of numerical libraries started here would hang in those forked later."""
    path = _PLACE / "models"
    number = os.fork()
    if number == 0:
        try:
            path.write_bytes(pickle.dumps(models()))
        finally:
            os._exit(0)
    os.waitpid(number, 0)
    found: list[tuple[str, Any, Any]] = pickle.loads(path.read_bytes())
    return found


class Pickled:
    """A tree whose pickled state is another."""

    def __init__(self, tree: Any, rng: random.Random) -> None:
        reduced = copy.deepcopy(tree.__reduce__())
        self.reduced, state = reduced, reduced[2]
        field = rng.choice([*state["nodes"].dtype.names, "values", "node_count", "max_depth", "arguments", "none"])
        if field in (state["nodes"].dtype.names or ()):
            place, value = rng.randrange(len(state["nodes"])), rng.choice([-2, -1, 0, 1, 5, 2**31, 2**62])
            state["nodes"][field][place] = value % 256 if field == "missing_go_to_left" else value
        elif field == "arguments":
            odd = [rng.choice([0, -1, 1, 2, 2**31]), np.array([rng.choice([0, 1, 5])]), rng.choice([0, 1, 2, 2**20])]
            self.reduced = reduced[0], tuple(odd), state
        elif field == "none":
            self.reduced = reduced[:2]
        else:
            state[field] = rng.choice(ODD)

    def __reduce__(self) -> Any:
        return self.reduced


def mutated_state(rng: random.Random) -> bytes:
    """A fitted model with one or two attributes changed, added or taken away."""
    name, estimator, vectorizer = rng.choice(_MODELS)
    payload = copy.deepcopy((estimator, vectorizer))
    parts, seen = [], [*payload]
    while seen:
        part = seen.pop()
        if isinstance(part, list | tuple):
            seen.extend(part)
        elif hasattr(part, "__dict__") and not isinstance(part, type):
            parts.append(part)
            seen.extend(vars(part).values())
    for _ in range(rng.choice([1, 1, 2])):
        part = rng.choice(parts)
        key = rng.choice([*vars(part), "score_samples", "__setstate__", "_check", "tree_"])
        value, old = rng.choice([*ODD, *vars(rng.choice(parts)).values()]), vars(part).get(key)
        if type(old).__name__ == "Tree":
            value = Pickled(old, rng)
        elif isinstance(old, np.ndarray) and old.size and rng.random() < 0.6:
            value = rng.choice([old[:-1], old.astype(np.float32), np.resize(old, old.size * 3), -old.astype(float)])
            if rng.random() < 0.5:
                value = old.copy()
                value.flat[rng.randrange(old.size)] = rng.choice([-1, 1, 100, 2**30])
        if rng.random() < 0.1:
            vars(part).pop(key, None)
        else:
            vars(part)[key] = value
    target = io.BytesIO()
    joblib.dump((name, payload), target)
    return target.getvalue()


def mutate(data: bytes, seeds: list[bytes], rng: random.Random) -> bytes:
    """``data`` with a few bytes changed, cut, doubled, or taken from another seed."""
    found = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 4, 16])):
        at = rng.randrange(len(found) + 1)
        kind = rng.randrange(7)
        if kind == 0 and at < len(found):
            found[at] = rng.choice(EDGES)
        elif kind == 1 and at < len(found):
            found[at] ^= 1 << rng.randrange(8)
        elif kind == 2:
            del found[at : at + rng.choice([1, 2, 4, 64, 1000])]
        elif kind == 3:
            found[at:at] = bytes(rng.choice(EDGES) for _ in range(rng.choice([1, 2, 4, 8, 300])))
        elif kind == 4:
            other = rng.choice(seeds)
            start = rng.randrange(len(other) + 1)
            found[at:at] = other[start : start + rng.choice([4, 30, 500])]
        elif kind == 5:
            found[at:at] = found[at : at + rng.choice([8, 100])] * rng.choice([2, 50])
        elif at + 8 < len(found):
            found[at : at + 8] = rng.choice([0, 1, 2**31, 2**32, 2**63 - 1, 2**64 - 1]).to_bytes(8, rng.choice(ORDERS))
    return bytes(found)


ORDERS: list[Any] = ["little", "big"]
_MODELS: list[tuple[str, Any, Any]] = []
_PLACE = Path()


def dumped(payload: Any, **options: Any) -> bytes:
    """Bytes of joblib."""
    target = io.BytesIO()
    joblib.dump(payload, target, **options)
    return target.getvalue()


def run_bundle(data: bytes) -> None:
    """Load, and score what loads."""
    payload = payload_from_bytes(data, extra_allowed=EXTRA_ALLOWED)
    self_test_scores(payload, [["a", "zzz"], []])


def run_state(data: bytes) -> None:
    """The model is named before its payload."""
    payload = payload_from_bytes(data, extra_allowed=EXTRA_ALLOWED)
    if isinstance(payload, tuple) and len(payload) == 2:
        name, model = payload
        fitted = fitted_from_bundle(model, {"model": name})
        rows: Any = [["a", "zzz"], []]
        if fitted.vectorizer is None:
            rows = [[0.0, 1.0, 2.0]]
        elif fitted.spec.column == ORDER:
            rows = [[1, 2, 9], []]
        self_test_scores(model, rows)


def run_card(data: bytes) -> None:
    """A card, and a model made from it."""
    found = card.checked_card(parse_yaml(decode_bounded_text(data)))
    _, estimator, vectorizer = _MODELS[0]
    fitted_from_bundle((estimator, vectorizer), found)


def run_zip(data: bytes) -> None:
    """An archive of the exchange."""
    path = _PLACE / "a.zip"
    path.write_bytes(data)
    with exchange_zip.open_checked_zip(path) as members:
        for name in members.hashes:
            for _ in members.zip_member_chunks(name):
                pass


def run_archive(data: bytes) -> None:
    """The inventory of packed logs."""
    for name in ("a.zip", "a.tar", "a.tar.gz"):
        path = _PLACE / name
        path.write_bytes(data)
        take_inventory(path, LoadOptions(), labelled=False)


def run_header(data: bytes) -> None:
    """Any bytes as a log, in two blocks."""
    index = Index()
    scanning.scan_blocks([data[: len(data) // 2], data[len(data) // 2 :]], index)
    scanning.scan_blocks([data], index)


def run_log(data: bytes) -> None:
    """Any bytes as somebody's log, from its file until the text of its messages is masked."""
    path = _PLACE / "a.log"
    path.write_bytes(data)
    text = b"".join(Reader(LogFile("2024-05-02", "all", "a", str(_PLACE), "a.log", len(data), 0)))
    cuts = sorted({0, *(text.find(b"\n", len(text) * k // 5) + 1 for k in range(1, 5)), len(text)})
    whole, parts = _read(text, [text]), _read(text, [text[a:b] for a, b in itertools.pairwise(cuts)])
    if whole[0] != parts[0] or not np.array_equal(whole[1], parts[1]):
        raise AssertionError("another log where its blocks are cut elsewhere")
    complete_dates(whole[1], run="2024-05-02", modified_ms=None)
    texts = pl.Series([body.decode("utf-8", "replace").replace("\x00", "") for body in {*whole[0]}], dtype=pl.String)
    if profile_masking("tree").mask_texts(texts).null_count():
        raise AssertionError("a message was lost")


def _read(text: bytes, blocks: list[bytes]) -> tuple[list[bytes], Any]:
    """Canonical bodies, and the times of events, by a reader that learns from the whole text."""
    step = Parser(Uses())
    step.format = step._learn_to_parse(text)
    found: list[bytes] = []
    times: list[Any] = [np.empty(0, np.int64)]
    for block in step.whole_lines(block for block in blocks if block):
        bodies, flags, moments = step(block)
        if len(bodies) != flags.size or moments.size != flags.sum():
            raise AssertionError("lines, events and times do not agree in number")
        found.extend(map(step.uses.canonical_body, bodies))
        times.append(moments)
    return found, np.concatenate(times)


def seeds_of(target: str) -> list[bytes]:
    """Well-formed inputs."""
    plain = [dumped((estimator, vectorizer)) for _, estimator, vectorizer in _MODELS]
    facts = {"format": 1, "model": "if", "bundle_sha256": "0" * 64, "threshold": 0.5, "threshold_percentile": 95.0}
    facts |= {"thresholds_by_service": {"a": {"threshold": 0.5, "n": 3}}, "holdout_scores": {"a": [0.1, 0.2]}}
    facts |= {"if_params": {"seed": 0, "n_estimators": 5}, "numeric": [], "holdout_rows": 3, "training_rows": 9}
    facts |= {"self_test": [{"tokens": ["a"], "score": 0.5}], "versions": {"numpy": "2"}, "item_list_col": "e_words"}
    entry = {"path": "a.csv", "sha256": "0" * 64, "bytes": 3, "phase": "load", "made_from": {"input": "0"}}
    history = {"phases": {"load": {"options": {}, "earlier": [{"made": ["a"]}]}}, "artefacts": [entry]}
    listed = [{"path": "a", "sha256": "0" * 64, "bytes": 1, "replaced": 0}]
    manifest = {"members": listed, "left_out": {"a": "b"}, "statement": "x"}
    return {
        "bundle": lambda: [*plain, dumped(_MODELS[0][1:], compress=3), pickle.dumps(TOKENS)],
        "state": lambda: [b""],
        "card": lambda: [yaml_text(facts).encode()],
        "manifest": lambda: [json_text(manifest).encode()],
        "provenance": lambda: [json_text(history).encode()],
        "zip": lambda: [_zip(manifest)],
        "archive": _archives,
        "log": lambda: [line.encode() + b"\n" for line in EXAMPLES] + [b"\n".join(map(str.encode, EXAMPLES)) + b"\n"],
        "header": lambda: [LOG, JSON * 20, LOG.replace(b"\n", b"\r\n"), ISO * 20],
    }[target]()  # fmt: skip


LOG = b"16:29:40.148 [XNIO-1 task-2]  eZ3 DEBUG c.n.Store load - Load:66c2\n\tat a.b(C.java:3)\n" * 20
ENVELOPES = [
    '{"log":"2024-03-05 09:07:03 INFO a.B - up\\n","stream":"stdout","time":"2024-03-05T09:07:03.12Z"}',
    "2024-03-05T09:07:03.12Z stdout P the first part,", "2024-03-05T09:07:03.12Z stdout F the second",
    "web-1  | 2024-03-05 09:07:03 INFO up", '{"MESSAGE":"up","__REALTIME_TIMESTAMP":"1709629623120000","PRIORITY":"3"}',
    "<131>Mar  5 09:07:03 web-3 shop[4711]: refused", "2024-03-05T09:07:03.1200000Z ##[error]failed",
    "\x1b[31mERROR\x1b[0m time=2024-03-05T09:07:03Z level=info msg=\"up and running\"", "\tat a.B(C.java:3)",
    "Caused by: java.lang.IllegalStateException: x", "Traceback (most recent call last):", "Start-Date: 2024-05-02  08:00:01",
]  # fmt: skip
EXAMPLES = [*ENVELOPES, *(one[0] for row in HEADERS.values() for one in row.examples)]
JSON = b'{"timestamp":"2025-01-01T00:00:00Z","level":"INFO","message":"a \\u00e9"}\n'
ISO = b"2025-01-01T00:00:00.123+02:00 INFO a\n"


def _zip(manifest: dict[str, Any]) -> bytes:
    members = {"README.md": b"x" * 500, "MANIFEST.json": json_text(manifest).encode(), "metrics/if_metrics.csv": b"a,b"}
    members["SHA256SUMS"] = sha256_sums_text({name: sha256_bytes(data) for name, data in members.items()}).encode()
    path = _PLACE / "seed.zip"
    exchange_zip.write_zip(path, members)
    return path.read_bytes()


def _archives() -> list[bytes]:
    zipped, tarred = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as one:
        one.writestr("light-oauth2-data-1719590986/correct/token.log", LOG)
    with tarfile.open(fileobj=tarred, mode="w") as two:
        info = tarfile.TarInfo("light-oauth2-data-1719590986/correct/token.log")
        info.size = len(LOG)
        two.addfile(info, io.BytesIO(LOG))
    return [zipped.getvalue(), tarred.getvalue()]


TARGETS: dict[str, Callable[[bytes], None]] = {
    "bundle": run_bundle, "state": run_state, "card": run_card, "zip": run_zip, "archive": run_archive,
    "manifest": lambda data: exchange_zip.check_exchange_manifest(parse_json(decode_bounded_text(data))),
    "provenance": lambda data: str(provenance.parse_provenance(decode_bounded_text(data))) and None, "header": run_header, "log": run_log,
}  # fmt: skip


def child(target: str, seeds: list[bytes], seed: int, until: float, current: Path) -> int:
    """0 after trying inputs until the time is over; the one that is tried lies in ``current``."""
    rng, done = random.Random(seed), 0
    while time.time() < until:
        try:
            data = mutated_state(rng) if target == "state" else mutate(rng.choice(seeds), seeds, rng)
        except (ValueError, TypeError, OverflowError, pickle.PicklingError):
            continue  # no such change can be made
        current.write_bytes(data)
        signal.alarm(30)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        try:
            TARGETS[target](data)
        except (Lo2Error, DocumentError):
            pass
        except Exception as error:
            current.with_suffix(".why").write_text(f"{type(error).__name__}: {error}"[:500])
            raise
        signal.alarm(0)
        if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > max(before, 400_000) + 600_000:
            current.with_suffix(".why").write_text("more than 600 MB")
            os._exit(3)
        done += 1
        if done % 50 == 0:
            current.with_suffix(".count").write_text(str(done))
    current.with_suffix(".count").write_text(str(done))
    return 0


def fuzz(target: str, minutes: float, corpus: Path, seed: int) -> int:
    """Crashes found."""
    folder = corpus / target
    folder.mkdir(parents=True, exist_ok=True)
    seeds = [*seeds_of(target), *(path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file())]
    current, until = _PLACE / "current", time.time() + minutes * 60
    total, crashes, reasons = 0, 0, set()
    while time.time() < until:
        for suffix in (".why", ".count"):
            current.with_suffix(suffix).unlink(missing_ok=True)
        number = os.fork()
        if number == 0:
            outcome = 1
            try:
                outcome = child(target, seeds, seed, until, current)
            finally:
                os._exit(outcome)  # never through the parent's clearing up
        status = os.waitpid(number, 0)[1]
        seed += 1
        count = current.with_suffix(".count")
        total += int(count.read_text()) if count.exists() else 0
        if status and not current.exists():
            raise SystemExit(f"{target} cannot make its inputs")
        if status:
            why = current.with_suffix(".why")
            reason = why.read_text() if why.exists() else f"signal {os.WTERMSIG(status)}"
            crashes += 1
            if reason not in reasons:
                data = current.read_bytes()
                (folder / f"crash-{hashlib.sha256(data).hexdigest()[:12]}").write_bytes(data)
                print(f"  {target}: {reason}", flush=True)
            reasons.add(reason)
    print(json.dumps({"target": target, "minutes": minutes, "inputs": total, "crashes": crashes}), flush=True)
    return crashes


def main() -> None:
    """Run one target, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", choices=[*TARGETS, "all"])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--corpus", type=Path, default=Path("fuzz-corpus"))
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    global _PLACE
    with tempfile.TemporaryDirectory() as place:
        _PLACE = Path(place)
        _MODELS.extend(made_apart())
        chosen = list(TARGETS) if given.target == "all" else [given.target]
        found = sum(fuzz(target, given.minutes, given.corpus, given.seed) for target in chosen)
    raise SystemExit(bool(found))


if __name__ == "__main__":
    main()
