"""Bundles, cards, manifests and records from strangers: each is refused in one sentence, in bounded memory."""

import copy
import io
import json
import pickle
import struct
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import joblib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from lo2.artefacts import attributes, card, exchange_zip, provenance
from lo2.artefacts.boosted import check_booster
from lo2.artefacts.bundle import payload_from_bytes
from lo2.artefacts.json_yaml import DocumentError, parse_json, parse_yaml
from lo2.artefacts.layout import ARTEFACTS, HOLDS
from lo2.artefacts.unpickler import unpickle
from lo2.errors import CheckFailedError, UntrustedBundleError
from lo2.models.bundles import EXTRA_ALLOWED, fitted_from_bundle, self_test_scores
from lo2.models.table import MODELS

ROWS = [["a", "b"], ["b", "c", "c"], ["a"], ["d", "a"]] * 6


def dumped(payload) -> bytes:
    target = io.BytesIO()
    joblib.dump(payload, target)
    return target.getvalue()


@pytest.fixture(scope="module")
def fitted():
    """A small model of every kind that needs no extra, by name, each with its vectoriser."""
    vectorizer = CountVectorizer(analyzer=list, dtype=np.float32)
    X = vectorizer.fit_transform(ROWS)
    labels = [i % 3 == 0 for i in range(len(ROWS))]
    found = {}
    for name, spec in MODELS.items():
        if spec.column in ("e_words", "e_trigrams") and name not in ("xgb_words", "lof_words"):
            found[name] = spec.build(seed=0).fit(X, **({"y": labels} if spec.supervised else {})), vectorizer
    return found


def test_every_class_that_may_be_created_has_its_attributes_listed():
    assert set(EXTRA_ALLOWED) == set(attributes.CLASSES) - set(attributes.SHARED)


def test_what_every_artefact_holds_is_said():
    assert [name for name, row in ARTEFACTS.items() if not set() < set(row.holds) < set(HOLDS.values())] == []


def test_fitted_models_of_every_kind_load_and_score(fitted):
    for name, payload in fitted.items():
        again = payload_from_bytes(dumped(payload), extra_allowed=EXTRA_ALLOWED)
        assert self_test_scores(again, ROWS[:4]) == self_test_scores(payload, ROWS[:4]), name
        assert fitted_from_bundle(again, {"model": name}).spec.name == name


def instances(payload):
    parts, left = [], [*payload]
    while left:
        part = left.pop()
        if isinstance(part, list | tuple):
            left.extend(part)
        elif hasattr(part, "__dict__") and not isinstance(part, type):
            parts.append(part)
            left.extend(value for key, value in vars(part).items() if key != "estimator")  # which is never fitted
    return parts


@pytest.mark.parametrize(
    "shadow", ["score_samples", "check_format", "__setstate__", "transform", "_validate_params", "x"]
)
def test_an_attribute_that_is_not_of_the_class_is_refused_in_every_instance(fitted, shadow):
    for name, payload in fitted.items():
        for i in range(min(3, len(instances(payload)))):
            changed = copy.deepcopy(payload)
            vars(instances(changed)[i])[shadow] = list
            with pytest.raises(UntrustedBundleError, match="unknown attribute"):
                payload_from_bytes(dumped(changed), extra_allowed=EXTRA_ALLOWED)
            assert name


@pytest.mark.parametrize("change", ["gone", 1j])
def test_every_fitted_attribute_is_needed_and_of_its_kind(fitted, change):
    for payload in fitted.values():
        for i, part in enumerate(instances(payload)[:5]):
            if "Tree" in type(part).__name__ and not hasattr(part, "tree_"):
                continue  # the pattern of a forest's trees, which nobody asks
            for key in sorted(set(attributes.CLASSES[attributes.class_name(part)].fitted) & set(vars(part))):
                changed = copy.deepcopy(payload)
                if change == "gone":
                    del vars(instances(changed)[i])[key]
                else:
                    vars(instances(changed)[i])[key] = change
                with pytest.raises(UntrustedBundleError):
                    payload_from_bytes(dumped(changed), extra_allowed=EXTRA_ALLOWED)


@pytest.mark.parametrize("figure", ["sizes_", "usual_distance_", "usual_novelty_", "df_"])
@pytest.mark.parametrize("change", ["no number at all", "a number below 0", "no number"])
def test_a_figure_of_the_nearest_normal_that_is_none_is_refused(fitted, figure, change):
    """The first was found by fuzzing: the smallest of no numbers is an error of numpy."""
    changed = copy.deepcopy(fitted["knn_words"])
    held = vars(changed[0])[figure]
    numbers = held.data if figure == "df_" else held
    if change == "no number at all":
        vars(changed[0])[figure] = numbers[:0]
    else:
        numbers[0] = -1.0 if change == "a number below 0" else np.nan
    with pytest.raises(UntrustedBundleError):
        payload_from_bytes(dumped(changed), extra_allowed=EXTRA_ALLOWED)


class Reduced:
    def __init__(self, *reduced):
        self.reduced = reduced

    def __reduce__(self):
        return self.reduced


def test_a_tree_without_nodes_or_with_them_set_twice_is_refused(fitted):
    made = fitted["if"][0].estimators_[0].tree_.__reduce__()
    with pytest.raises(UntrustedBundleError, match="without its nodes"):
        payload_from_bytes(dumped([Reduced(*made[:2])]))
    state = {**made[2], "max_depth": 2**40}
    with pytest.raises(UntrustedBundleError, match="deeper|malformed"):
        payload_from_bytes(dumped([Reduced(*made[:2], state)]))


SMALL = b"\x80\x04"
BOMBS = {
    "BYTEARRAY8 of 3 GB": SMALL + b"\x96" + struct.pack("<Q", 3 << 30) + b".",
    "BINBYTES8 of 6 GB": SMALL + b"\x8e" + struct.pack("<Q", 6 << 30) + b".",
    "BINUNICODE8": SMALL + b"\x8d" + struct.pack("<Q", 2**62) + b".",
    "a frame cut short": SMALL + b"\x95\x00",
    "a million sets": SMALL + b"(" + b"\x8f" * 4_000_000 + b"t.",
    "a million dictionaries": SMALL + b"(" + b"}" * 4_000_000 + b"t.",
    "a million lists on a million marks": SMALL + b"(]" * 2_000_000 + b".",
    "a number of a million digits": SMALL + b"L" + b"9" * 1_000_000 + b"L\n.",
    "a key of nested tuples": SMALL + b"}" + b")" + b"\x85" * 200_000 + b"Ns.",
    "a key that doubles": SMALL + b"})" + b"\x94h\x00\x86" * 1 + b"Ns.",
    "zeros by zlib": zlib.compress(b"\0" * (400 << 20), 9),
    "LZMA with a dictionary of 4 GB": b"\x5d\x00\x00\x00\xff" + b"\xff" * 8 + b"\0" * 40,
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_before_they_take_the_memory(name):
    tracemalloc.start()
    try:
        with pytest.raises(UntrustedBundleError) as refusal:
            payload_from_bytes(BOMBS[name])
        assert tracemalloc.get_traced_memory()[1] < 700 << 20
    finally:
        tracemalloc.stop()
    assert len(str(refusal.value)) < 600


@pytest.mark.parametrize(
    "data", [SMALL + b"\x95" + struct.pack("<Q", 8 << 30) + b"N.", SMALL + b"Nr" + struct.pack("<I", 2**32 - 1) + b"."]
)
def test_a_frame_that_lies_and_a_far_memo_take_nothing(data):
    tracemalloc.start()
    try:
        assert payload_from_bytes(data) is None
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


class Wrapper:
    def __init__(self, shape, dtype):
        self.shape, self.dtype = shape, dtype


@pytest.mark.parametrize(
    ("shape", "code"), [((2**40,), "f8"), ((0, 2**60), "f8"), ((2**50,), "V0"), ((-1,), "f8"), ((2**32, 2**32), "u1")]
)
def test_arrays_that_promise_more_than_their_file_are_refused(shape, code):
    from joblib.numpy_pickle import NumpyArrayWrapper

    data = pickle.dumps(NumpyArrayWrapper(np.ndarray, shape, "C", np.dtype(code)), protocol=4)
    with pytest.raises(UntrustedBundleError):
        payload_from_bytes(data)


def test_state_goes_into_no_class_and_no_list_of_another_kind():
    for data in (
        b"\x80\x04ccollections\nCounter\nK\x01K\x02s.",
        b"\x80\x04K\x01K\x02a.",
        b"\x80\x04N}b.",
        b"\x80\x04)R.",
    ):
        with pytest.raises(UntrustedBundleError):
            unpickle(data, ())


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_a_bundle_or_refused(data):
    for start in (b"", b"\x80\x04", b"\x80\x04\x95"):
        try:
            payload_from_bytes(start + data)
        except UntrustedBundleError:
            continue


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_of_a_booster_are_refused_in_words(data):
    assert check_booster(np.frombuffer(b"{" + data, np.uint8), 3)


def test_boosted_trees_of_another_width_or_with_a_changed_node_are_refused():
    xgboost = pytest.importorskip("xgboost")
    X, y = np.random.default_rng(0).random((40, 3)), np.arange(40) % 2
    model = xgboost.XGBClassifier(n_estimators=3, n_jobs=1).fit(X, y)
    raw = np.frombuffer(bytes(model.get_booster().save_raw("ubj")), np.uint8)
    assert check_booster(raw, 3) == ""
    assert "do not fit" in check_booster(raw, 4)
    place = raw.tobytes().index(b"left_children") + len("left_children") + 13
    changed = raw.copy()
    changed[place : place + 4] = (0, 0, 3, 231)
    assert check_booster(changed, 3)
    assert "damaged" in check_booster(raw[:-50], 3)


CARDS = {
    "laughs": "a: &a [x, x, x, x, x, x, x, x]\n"
    + "".join(f"{c}: &{c} [{', '.join([f'*{b}'] * 9)}]\n" for b, c in zip("abcdefg", "bcdefgh", strict=True)),
    "merges": "a: &a {x: 1}\nb: {<<: *a}\n",
    "inside itself": "a: &a {b: *a}\n",
    "deep in brackets": "a: " + "[" * 100_000,
    "deep by indenting": "".join(f"{' ' * i}a:\n" for i in range(500)),
    "a day that is none": "generated_at: 2025-13-45",
    "a number that is none": "a: !!int abc",
    "digits": "threshold: " + "9" * 10_000,
    "several": "a: 1\n---\nb: 2\n",
    "python": "a: !!python/name:os.system",
    "a list": "- 1",
    "sha": "bundle_sha256: [1]",
    "thresholds": "thresholds_by_service: {a: 1}",
    "infinite": "threshold: .inf",
    "tests": "self_test: [{score: 1}]",
    "unhashable": "self_test: {[a]: 1}",
    "scores": "holdout_scores: {a: [1, [2]]}",
    "newer": "format: 99",
}


@pytest.mark.parametrize("name", CARDS)
def test_cards_are_refused_in_one_sentence(tmp_path, name):
    (tmp_path / "a.yml").write_text(CARDS[name])
    with pytest.raises(UntrustedBundleError, match="is no card") as refusal:
        card.read_card(tmp_path / "a.joblib")
    assert len(str(refusal.value)) < 500


def test_a_card_that_is_a_folder_or_too_large_or_no_text_is_refused(tmp_path, monkeypatch):
    (tmp_path / "a.yml").mkdir()
    (tmp_path / "b.yml").write_bytes(b"a: \xff\xfe")
    (tmp_path / "c.yml").write_text("a: 1\n" + "#" * 40_000_000)
    for name in "abc":
        with pytest.raises(UntrustedBundleError, match="is no card"):
            card.read_card(tmp_path / f"{name}.joblib")


def test_a_card_that_names_another_model_is_refused(fitted):
    with pytest.raises(UntrustedBundleError, match="knn_words"):
        fitted_from_bundle(fitted["if"], {"model": "knn_words"})
    for params in ({"contamination": "x"}, {"n_estimators": [1]}, {"seed": "x"}):
        with pytest.raises(UntrustedBundleError):
            fitted_from_bundle(fitted["if"], {"model": "if", "if_params": params})


@pytest.mark.parametrize(
    "text", ["[]", "{", "[" * 100_000, '{"a": NaN}', '{"a": ' + "9" * 5000 + "}", '{"a":' * 900 + "1"]
)
def test_json_that_is_none_is_an_error_of_ours(text):
    with pytest.raises(DocumentError):
        parse_json(text)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=100))
def test_any_text_is_a_document_or_an_error_of_ours(text):
    for parse in (parse_json, parse_yaml):
        try:
            assert isinstance(parse(text), dict)
        except DocumentError:
            continue


@pytest.mark.parametrize("path", ["../x", "/etc/x", "a/../b", "a//b", "", "a\0b"])
def test_a_record_never_leads_out_of_its_folder(path):
    entry = {"path": path, "sha256": "0", "bytes": 1, "phase": "load", "made_from": {}}
    with pytest.raises(CheckFailedError, match="lo2 restore"):
        provenance.parse_provenance(json.dumps({"format": 1, "phases": {}, "artefacts": [entry]}))


def zipped(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in members.items():
            target.writestr(name, data)
    return path


def opened(path: Path) -> None:
    with exchange_zip.open_checked_zip(path):
        pass


def test_members_inside_each_other_and_large_in_sum_are_refused(tmp_path):
    path = zipped(tmp_path / "a.zip", **{f"metrics/run_{i}/x": b"\0" * 900_000 for i in range(200)})
    with pytest.raises(UntrustedBundleError, match="too many files"):
        opened(path)
    data = bytearray(
        zipped(tmp_path / "b.zip", **{"metrics/run_a/x": b"1" * 99, "metrics/run_b/x": b"2" * 99}).read_bytes()
    )
    second = data.rindex(b"PK\x01\x02")
    data[second + 42 : second + 46] = bytes(4)
    (tmp_path / "b.zip").write_bytes(data)
    with pytest.raises(UntrustedBundleError, match="inside each other|damaged"):
        opened(tmp_path / "b.zip")


@pytest.mark.parametrize(
    "name", ["a" * 300, "CON", "aux.txt", "a ", "a.", "a\u202eb", "a\x9bb", "$\u200b", "/".join(["d"] * 600)]
)
def test_names_that_no_system_shows_or_holds_are_refused(tmp_path, name):
    with pytest.raises(UntrustedBundleError) as refusal:
        opened(zipped(tmp_path / "a.zip", **{f"metrics/run_x/{name}": b"x"}))
    assert not {"\u202e", "\x9b", "\u200b"} & set(str(refusal.value))


@pytest.mark.parametrize("flip", range(0, 400, 7))
def test_a_changed_byte_anywhere_is_refused_or_does_not_matter(tmp_path, flip):
    members = {"README.md": b"x" * 200, "MANIFEST.json": b'{"format": 1}'}
    members["SHA256SUMS"] = "".join(f"{exchange_zip.sha256(d).hexdigest()}  {n}\n" for n, d in members.items()).encode()
    data = bytearray(zipped(tmp_path / "a.zip", **members).read_bytes())
    for value in (0, 255, data[flip % len(data)] ^ 1):
        data[flip % len(data)] = value
        (tmp_path / "a.zip").write_bytes(data)
        try:
            opened(tmp_path / "a.zip")
        except UntrustedBundleError:
            continue
