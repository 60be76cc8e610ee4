"""Bundles: what is saved, what is refused, and that nothing a stranger wrote ever runs."""

import io
import os
import pickle
import signal
import subprocess
import sys
import zlib
from collections import Counter
from pathlib import Path

import joblib
import numpy as np
import pytest
import yaml
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LinearRegression

from artefacts.result_root import CARD, ROWS
from lo2.artefacts import card as cards
from lo2.artefacts.attributes import CSR, VECTORIZER
from lo2.artefacts.bundle import bundle_strings, canonical_bundle_bytes, load_bundle, payload_from_bytes, save_bundle
from lo2.errors import ArtefactExistsError, InputNotFoundError, UntrustedBundleError
from lo2.models import bases, rarity
from lo2.models.estimators import Detector, group_codes
from lo2.sparse import CsrMatrix


def dumped(payload, **options) -> bytes:
    target = io.BytesIO()
    joblib.dump(payload, target, **options)
    return target.getvalue()


def scores(payload, rows=ROWS):
    forest, vectorizer = payload
    return -forest.score_samples(vectorizer.transform(rows))


class Call:
    """Pickles as a call of ``function``."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


def touch(path: Path) -> Call:
    return Call(os.system, f"touch {path}")


def nodes_changed(forest, **changes):
    """A bundle whose first tree has other node arrays."""
    data = pickle.loads(pickle.dumps(forest[0].estimators_[0].tree_.__getstate__()))
    for name, (node, value) in changes.items():
        data["nodes"][name][node] = value
    reduced = forest[0].estimators_[0].tree_.__reduce__()

    class Tree:
        def __reduce__(self):
            return reduced[0], reduced[1], data

    return Tree()


HOSTILE = {
    "os.system": lambda trip, forest: dumped((forest[0], touch(trip))),
    "os.system, compressed": lambda trip, forest: dumped((forest[0], touch(trip)), compress=3),
    "os.system, gzip": lambda trip, forest: dumped(touch(trip), compress=("gzip", 3)),
    "eval": lambda trip, forest: dumped(Call(eval, f"open({str(trip)!r}, 'w')")),
    "object array": lambda trip, forest: dumped(np.array([touch(trip)], dtype=object)),
    "object array, compressed": lambda trip, forest: dumped([np.array([touch(trip)], dtype=object)], compress=3),
    "object array inside the forest": lambda trip, forest: dumped((np.array([[touch(trip)], 1], dtype=object), forest)),
    "reduce through an allowed class": lambda trip, forest: dumped(Call(Counter, [touch(trip)])),
    "getattr chain": lambda trip, forest: dumped(Call(getattr, Call(__import__, "os"), "system")),
    "numpy that unpickles": lambda trip, forest: dumped(Call(np.load, str(trip))),
    "scikit-learn function": lambda trip, forest: dumped(Call(joblib.load, str(trip))),
    "plain pickle": lambda trip, forest: pickle.dumps(touch(trip)),
    "old protocol": lambda trip, forest: b"cos\nsystem\n(S'touch " + str(trip).encode() + b"'\ntR.",
    "instruction INST": lambda trip, forest: b"(S'touch " + str(trip).encode() + b"'\nios\nsystem\n.",
    "allowed value called": lambda trip, forest: dumped(Call(list, (1, 2))),
    "allowed class called with arguments": lambda trip, forest: dumped(Call(type(forest[0]), 3)),
    "state set on a class": lambda trip, forest: b"\x80\x04csklearn.ensemble._iforest\nIsolationForest\n}N\x86b.",
    "bound method as analyser": lambda trip, forest: dumped((forest[0], type(forest[1])(analyzer="a b".split))),
    "child outside the tree": lambda trip, forest: dumped(nodes_changed(forest, left_child=(0, 10**6))),
    "child before its parent": lambda trip, forest: dumped(nodes_changed(forest, right_child=(0, 0))),
    "column outside the matrix": lambda trip, forest: dumped(nodes_changed(forest, feature=(0, 10**6))),
    "infinite threshold": lambda trip, forest: dumped(nodes_changed(forest, threshold=(0, np.inf))),
    "truncated": lambda trip, forest: dumped(forest)[:-200],
    "truncated, compressed": lambda trip, forest: dumped(forest, compress=3)[:-20],
    "empty": lambda trip, forest: b"",
    "noise": lambda trip, forest: bytes(range(256)) * 10,
    "array larger than its file": lambda trip, forest: dumped(np.zeros(10**6))[:400],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bundles_are_refused_and_nothing_runs(name, tmp_path, forest):
    trip = tmp_path / "tripwire"
    bundle = tmp_path / "lo2_if.joblib"
    bundle.write_bytes(HOSTILE[name](trip, forest))
    with pytest.raises(UntrustedBundleError) as refusal:
        load_bundle(bundle)
    assert refusal.value.exit_code == 6
    assert not trip.exists()


def test_the_tripwire_works(tmp_path):
    bundle = tmp_path / "a.joblib"
    bundle.write_bytes(dumped(touch(tmp_path / "tripwire")))
    joblib.load(bundle)
    assert (tmp_path / "tripwire").exists()


def test_a_bomb_is_refused_before_it_fills_the_memory(monkeypatch, tmp_path):
    monkeypatch.setattr("lo2.artefacts.compression._SMALL", 1 << 20)
    with pytest.raises(UntrustedBundleError, match="unpacks to more"):
        payload_from_bytes(zlib.compress(b"\0" * (1 << 22)))


def test_a_vocabulary_that_points_outside_its_matrix_is_refused(forest):
    vectorizer = pickle.loads(pickle.dumps(forest[1]))
    vectorizer.vocabulary_["path"] = 10**6
    with pytest.raises(UntrustedBundleError, match="vocabulary"):
        payload_from_bytes(dumped((forest[0], vectorizer)))
    vectorizer.vocabulary_["path"] = 0
    vectorizer.input = "filename"
    with pytest.raises(UntrustedBundleError, match="'input'"):
        payload_from_bytes(dumped((forest[0], vectorizer)))


def test_a_forest_whose_width_was_changed_is_refused(forest):
    narrow = pickle.loads(pickle.dumps(forest[0]))
    narrow.n_features_in_ = 1
    with pytest.raises(UntrustedBundleError):
        payload_from_bytes(dumped((narrow, forest[1])))


def test_a_sparse_matrix_that_points_outside_itself_is_refused(forest):
    matrix = forest[1].transform(ROWS)
    matrix.indices = matrix.indices.copy()
    assert payload_from_bytes(dumped(matrix)).shape == matrix.shape
    matrix.indices[0] = 10**6
    with pytest.raises(UntrustedBundleError, match="sparse"):
        payload_from_bytes(dumped(matrix))


@pytest.fixture
def bare(monkeypatch):
    """Bundles are read as in a base install."""
    own = {CSR: "lo2.sparse.CsrMatrix", VECTORIZER: "lo2.models.bases.CountVectorizer"}
    monkeypatch.setattr("lo2.artefacts.unpickler.STAND_INS", own)


def test_without_scipy_a_matrix_and_a_vocabulary_are_what_they_were(bare, forest):
    matrix, vectorizer = forest[1].transform(ROWS), forest[1]
    own, columns = payload_from_bytes(dumped((matrix, vectorizer)))
    assert (type(own), type(columns)) == (CsrMatrix, bases.CountVectorizer)
    assert np.array_equal(own.toarray(), matrix.toarray())
    assert type(columns.vocabulary_) is Counter
    assert (columns.vocabulary_, columns.analyzer, columns.binary) == (vectorizer.vocabulary_, list, False)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("indices", np.array([10**6] * 9, np.int32), "points outside itself"),
        ("indices", np.array([0, 1], np.int32), "of another length"),
        ("indptr", np.array([0, 9, 3, 9], np.int32), "another height|overlap"),
        ("data", np.array(["a"] * 9), "data"),
        ("_shape", (3, "a"), "_shape"),
        ("toarray", None, "unknown attribute 'toarray'"),
    ],
)
def test_without_scipy_a_matrix_is_checked_as_with_it(bare, forest, name, value, said):
    matrix = forest[1].transform(ROWS)
    vars(matrix)[name] = value
    with pytest.raises(UntrustedBundleError, match=said):
        payload_from_bytes(dumped(matrix))


def test_without_scipy_a_vocabulary_is_checked_as_with_scikit_learn(bare, forest):
    vectorizer = pickle.loads(pickle.dumps(forest[1]))
    vectorizer.vocabulary_["path"] = 10**6
    with pytest.raises(UntrustedBundleError, match="vocabulary"):
        payload_from_bytes(dumped(vectorizer))


def test_further_classes_need_a_row_or_the_callers_list_of_own_ones():
    from sklearn.linear_model import LogisticRegression, Ridge

    from lo2.models.rarity import RareTokens

    assert payload_from_bytes(dumped(LogisticRegression().fit([[0.0], [1.0]], [0, 1]))).coef_.shape == (1, 1)
    with pytest.raises(UntrustedBundleError, match="Ridge"):
        payload_from_bytes(dumped(Ridge()))
    for name in ("os.system", "sklearn.linear_model._ridge.Ridge"):
        with pytest.raises(ValueError, match="extra_allowed"):
            payload_from_bytes(b"", extra_allowed=[name])
    own = dumped(RareTokens().fit(csr_matrix([[0.0, 1.0], [1.0, 0.0]])))
    with pytest.raises(UntrustedBundleError, match="RareTokens"):
        payload_from_bytes(own)
    assert payload_from_bytes(own, extra_allowed=["lo2.models.rarity.RareTokens"]).n_features_in_ == 2
    with pytest.raises(UntrustedBundleError, match="no class"):
        payload_from_bytes(dumped(group_codes), extra_allowed=["lo2.models.estimators.group_codes"])


class Plain(Detector):
    """As somebody adds one: plain values in what ``fit`` sets."""

    def __init__(self, share=0.5, estimator=None):
        self.share = share
        self.estimator = estimator

    def fit(self, X, y=None, groups=None):
        X = self.checked(X, fitting=True)
        self.names_, self.means_, self.inner_ = ["a"], np.asarray(X.mean(axis=0)), TfidfTransformer().fit(X)
        return self.set_offset(X)

    def score_samples(self, X, groups=None):
        return -np.asarray(self.checked(X).sum(axis=1)).ravel() * self.share


@pytest.fixture
def plain(monkeypatch):
    """A fitted detector whose class stands in ``lo2.models`` and in no table."""
    monkeypatch.setattr(Plain, "__module__", "lo2.models.rarity")
    monkeypatch.setattr(rarity, "Plain", Plain, raising=False)
    return Plain(estimator=TfidfTransformer()).fit(csr_matrix([[0.0, 1.0], [1.0, 0.0]]))


def test_a_model_that_holds_plain_values_needs_no_row(plain):
    again = payload_from_bytes(dumped(plain), extra_allowed=["lo2.models.rarity.Plain"])
    assert (again.names_, again.means_.tolist(), again.inner_.idf_.size) == (["a"], plain.means_.tolist(), 2)


@pytest.mark.parametrize(
    ("key", "value"),
    [("score_samples", 1.0), ("fit", "x"), ("_private_", 1.0), ("shown", 1.0), ("means_", np.array([np.nan])),
     ("means_", [1.0]), ("means_", {"a": 1}), ("share", [1]), ("inner_", TfidfTransformer()), ("model_", list),
     ("__sklearn_tags__", 1), (1, 1), ("inner_", LinearRegression())],
)  # fmt: skip
def test_a_model_without_a_row_holds_nothing_but_plain_values(plain, key, value):
    vars(plain)[key] = value
    with pytest.raises(UntrustedBundleError):
        payload_from_bytes(dumped(plain), extra_allowed=["lo2.models.rarity.Plain"])


@pytest.mark.parametrize("compress", [0, 3, ("gzip", 3), ("bz2", 3), ("xz", 3), ("lzma", 3)])
def test_bundles_of_plain_joblib_load_and_score_the_same_however_packed(compress, forest):
    assert np.array_equal(scores(payload_from_bytes(dumped(forest, compress=compress))), scores(forest))


def test_a_plain_word_vocabulary_made_elsewhere_loads(tmp_path):
    from sklearn.ensemble import IsolationForest
    from sklearn.feature_extraction.text import CountVectorizer

    for analyzer, rows in ((list, ROWS), ("word", [" ".join(row) for row in ROWS])):
        vectorizer = CountVectorizer(analyzer=analyzer)
        payload = IsolationForest(n_estimators=3, random_state=0).fit(vectorizer.fit_transform(rows)), vectorizer
        joblib.dump(payload, tmp_path / "lo2_if.joblib")
        loaded = load_bundle(tmp_path / "lo2_if.joblib")
        assert np.array_equal(scores(loaded.payload, rows), scores(payload, rows))
        assert "nothing says where" in loaded.notes[0]


def test_what_is_saved_loads_with_joblib_alone_and_scores_the_same(tmp_path, forest):
    bundle, card = save_bundle(tmp_path / "lo2_if.joblib", forest, CARD)
    assert card.name == "model.yml"
    assert np.array_equal(scores(joblib.load(bundle)), scores(forest))
    assert list(yaml.safe_load(card.read_text()))[: len(cards.KEYS)] == list(cards.KEYS)


def test_bytes_depend_on_values_not_on_identity_or_stray_memory(forest):
    first = canonical_bundle_bytes(forest)
    again = pickle.loads(pickle.dumps(forest))
    again[1].vocabulary_ = Counter({str(word + "")[:]: int(i) for word, i in again[1].vocabulary_.items()})
    assert canonical_bundle_bytes(again) == first
    assert canonical_bundle_bytes(payload_from_bytes(dumped(forest))) == first


def test_strings_are_read_without_importing_what_the_bundle_names(tmp_path, forest):
    (tmp_path / "a.joblib").write_bytes(canonical_bundle_bytes(forest))
    code = (
        "import sys; from pathlib import Path; from lo2.artefacts.bundle import bundle_strings\n"
        "print(sorted(set(bundle_strings(Path(sys.argv[1]).read_bytes())) & {'path', 'normalised', 'validate('}))\n"
        "print('sklearn' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.joblib")], capture_output=True, text=True)
    assert done.stdout == "['normalised', 'path', 'validate(']\nFalse\n", done.stderr
    assert {"path", "normalised"} <= set(bundle_strings(dumped(forest, compress=3)))


def test_a_bundle_is_not_believed_against_its_card(tmp_path, forest):
    bundle, card = save_bundle(tmp_path / "lo2_if.joblib", forest, CARD)
    data = bundle.read_bytes()
    bundle.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(UntrustedBundleError, match="its card says"):
        load_bundle(bundle)
    bundle.write_bytes(data)
    card.write_text("- no\n- mapping\n")
    with pytest.raises(UntrustedBundleError, match="no mapping"):
        load_bundle(bundle)
    card.write_text("format: 99\n")
    with pytest.raises(UntrustedBundleError, match="update lo2"):
        load_bundle(bundle)
    with pytest.raises(InputNotFoundError):
        load_bundle(tmp_path / "none.joblib")


def test_a_self_test_that_gives_other_scores_is_refused(tmp_path, forest):
    tests = [
        {"tokens": row, "score": float(score)} for row, score in zip(ROWS[:4], scores(forest, ROWS[:4]), strict=True)
    ]
    bundle, _ = save_bundle(tmp_path / "lo2_if.joblib", forest, {**CARD, "self_test": tests})
    assert load_bundle(bundle, self_test=scores).card["self_test"] == tests
    with pytest.raises(UntrustedBundleError, match="self-test"):
        load_bundle(bundle, self_test=lambda payload, rows: scores(payload, rows) + 1e-6)
    with pytest.raises(UntrustedBundleError, match="self-test"):
        load_bundle(bundle, self_test=lambda payload, rows: np.full(len(rows), np.nan))


def test_other_library_versions_are_noted(tmp_path, forest):
    versions = {**CARD["versions"], "scikit-learn": "1.0"}
    bundle, _ = save_bundle(tmp_path / "lo2_if.joblib", forest, {**CARD, "versions": versions})
    assert "made with scikit-learn 1.0" in load_bundle(bundle).notes[0]


def test_a_card_must_be_complete(tmp_path, forest):
    with pytest.raises(ValueError, match="threshold_percentile"):
        save_bundle(tmp_path / "a.joblib", forest, {k: v for k, v in CARD.items() if k != "threshold_percentile"})
    with pytest.raises(ValueError, match="git_commit_why"):
        save_bundle(tmp_path / "a.joblib", forest, {k: v for k, v in CARD.items() if k != "git_commit_why"})
    assert list(tmp_path.iterdir()) == []


def test_another_bundle_is_replaced_only_when_asked(tmp_path, forest):
    other = (pickle.loads(pickle.dumps(forest[0])), forest[1])
    other[0].offset_ = -0.25
    bundle, card = save_bundle(tmp_path / "lo2_if.joblib", forest, CARD)
    old = bundle.read_bytes(), card.read_bytes()
    save_bundle(bundle, forest, {**CARD, "generated_at": "2030-01-01T00:00:00Z"})
    assert (bundle.read_bytes(), card.read_bytes()) == old
    with pytest.raises(ArtefactExistsError, match="--overwrite-model"):
        save_bundle(bundle, other, CARD)
    assert (bundle.read_bytes(), card.read_bytes()) == old
    save_bundle(bundle, other, CARD, overwrite=True)
    assert load_bundle(bundle).payload[0].offset_ == -0.25


def test_a_run_that_would_change_a_bundle_is_refused_before_it_starts(tmp_path, forest):
    bundle, _ = save_bundle(tmp_path / "lo2_if.joblib", forest, CARD)
    cards.check_card_replaceable(bundle, {"data_fingerprint": "f" * 64})
    with pytest.raises(ArtefactExistsError, match="--variant"):
        cards.check_card_replaceable(bundle, {"data_fingerprint": "0" * 64})
    cards.check_card_replaceable(bundle, {"data_fingerprint": "0" * 64}, overwrite=True)


def test_bundle_and_card_change_as_one_wherever_the_writer_dies(tmp_path, forest, monkeypatch):
    other = (pickle.loads(pickle.dumps(forest[0])), forest[1])
    other[0].offset_ = -0.25
    replace, steps = Path.replace, []

    class Died(BaseException):
        pass

    def dying(self, target):
        if len(steps) == limit:
            raise Died
        steps.append(target)
        return replace(self, target)

    for limit in range(6):
        folder = tmp_path / str(limit)
        bundle, _ = save_bundle(folder / "lo2_if.joblib", forest, CARD)
        steps.clear()
        monkeypatch.setattr(Path, "replace", dying)
        try:
            save_bundle(bundle, other, {**CARD, "threshold": 0.25}, overwrite=True)
        except Died:
            pass
        finally:
            monkeypatch.setattr(Path, "replace", replace)
        loaded = load_bundle(bundle)
        assert (loaded.payload[0].offset_ == -0.25) == (loaded.card["threshold"] == 0.25)
    assert len(steps) == 5


def test_a_writer_killed_at_any_moment_leaves_a_pair_that_loads(tmp_path, forest):
    bundle, _ = save_bundle(tmp_path / "lo2_if.joblib", forest, CARD)
    loop = (
        "import sys, itertools; from pathlib import Path; from lo2.artefacts import card\n"
        "path = Path(sys.argv[1]); data = path.read_bytes(); known = card.read_card(path); print('ready', flush=True)\n"
        "for i in itertools.count(): card.write_bundle_and_card(path, data, {**known, 'threshold': i})"
    )
    for pause in range(6):
        with subprocess.Popen([sys.executable, "-c", loop, str(bundle)], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            for _ in range(pause * 300):
                os.getpid()
            writer.send_signal(signal.SIGKILL)
            writer.wait()
        assert np.array_equal(scores(load_bundle(bundle).payload), scores(forest))


@pytest.mark.parametrize(
    "folder", sorted((Path(__file__).parents[1] / "golden").glob("bundle-format*")), ids=lambda p: p.name
)
def test_golden_bundles_of_every_format_and_old_libraries_give_their_scores(folder, tmp_path):
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    loaded = load_bundle(tmp_path / "lo2_if.joblib", self_test=scores)
    assert len(loaded.card["self_test"]) == 8
    assert any("scikit-learn 1.7" in note for note in loaded.notes) == folder.name.endswith("1.7")


def test_there_are_golden_bundles():
    names = [path.name for path in (Path(__file__).parents[1] / "golden").glob("bundle-*")]
    assert {"bundle-format1-sklearn1.7", "bundle-format1-sklearn1.9"} <= set(names)
