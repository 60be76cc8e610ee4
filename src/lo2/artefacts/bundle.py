"""Bundles: the one door for pickles. Saving gives canonical bytes; loading runs nothing that a stranger wrote.

A bundle is believed in this order: its sha256 is that of its card; every name in it stands in a short list, as a value,
as something called or as something created; arrays hold numbers and fit what walks them; its self-test gives the scores
of its card. ``strings`` reads the texts of a bundle without importing what it names.
"""

import importlib
import io
import pickle
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from joblib.numpy_pickle import NumpyArrayWrapper, NumpyPickler, NumpyUnpickler

from lo2.artefacts import validation
from lo2.artefacts.card import card_path, complete, drift, read_card, repair, write_pair
from lo2.artefacts.files import sha256_bytes
from lo2.artefacts.validation import refuse
from lo2.errors import ArtefactExistsError, InputNotFoundError, UntrustedBundleError

PROTOCOL = 4
TOLERANCE = 1e-9
TREE = "sklearn.tree._tree.Tree"
VALUES: Mapping[str, Any] = {
    **{f"builtins.{kind.__name__}": kind for kind in (list, tuple, set, str)},
    **{f"numpy.{kind}": getattr(np, kind) for kind in ("ndarray", "int64", "int32", "float64", "float32", "uint32")},
}
CALLED: Mapping[str, Callable[..., Any]] = {
    "collections.Counter": Counter,
    "numpy.dtype": validation.dtype_from,
    "numpy._core.multiarray.scalar": validation.scalar_from,
    "numpy.core.multiarray.scalar": validation.scalar_from,
}
CREATED = (
    "sklearn.ensemble._iforest.IsolationForest",
    "sklearn.tree._classes.ExtraTreeRegressor",
    "sklearn.feature_extraction.text.CountVectorizer",
)
_PACKAGES = ("lo2.models.", "sklearn.", "scipy.sparse.")
_WRAPPER = "joblib.numpy_pickle.NumpyArrayWrapper"
_BROKEN = (pickle.UnpicklingError, EOFError, ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError)


@dataclass(frozen=True)
class Bundle:
    """A loaded bundle: ``payload``, its ``card`` (empty for a stranger's), and ``notes`` worth saying."""

    payload: Any
    card: Mapping[str, Any]
    notes: tuple[str, ...] = ()


class _Stub:
    """Stands for an instance of a class that is not imported."""

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Guard(NumpyUnpickler):  # type: ignore[misc]
    """Unpickler that resolves only listed names, calls only listed functions and reads only arrays of numbers."""

    dispatch: ClassVar[dict[int, Any]] = dict(NumpyUnpickler.dispatch)

    def __init__(self, data: bytes, created: Sequence[str], *, stub: bool = False) -> None:
        super().__init__("", io.BytesIO(data), ensure_native_byte_order=False)
        self._size, self._stub, self._names = len(data), stub, frozenset(created)
        self._created: set[type] = {NumpyArrayWrapper}
        self._called: set[Any] = set(CALLED.values())
        self._tree: type | None = None

    def find_class(self, module: str, name: str) -> Any:
        full = f"{module}.{name}"
        if full in VALUES:
            return VALUES[full]
        if full in CALLED:
            return CALLED[full]
        if full == _WRAPPER:
            return NumpyArrayWrapper
        if self._stub:
            self._created.add(_Stub)
            self._called.add(_Stub)
            return _Stub
        if full != TREE and full not in self._names:
            hint = ""
            if full in ("builtins.getattr", "functools.partial"):
                hint = "; its analyser is a bound method: export it again with CountVectorizer(analyzer=list)"
            raise refuse(f"it names {full}, which is not on the list{hint}")
        found = getattr(importlib.import_module(module), name)
        if not isinstance(found, type):
            raise refuse(f"it names {full}, which is no class")
        if full == TREE:
            self._tree = found
            self._called.add(found)
        self._created.add(found)
        return found

    def _reduce(self) -> None:
        arguments, function = self.stack.pop(), self.stack[-1]
        if not any(function is known for known in self._called):
            raise refuse(f"it calls {getattr(function, '__name__', function)!r}")
        if function is self._tree:
            validation.check_tree_arguments(arguments)
        if function is Counter and not (len(arguments) == 1 and isinstance(arguments[0], dict)):
            raise refuse("a malformed Counter")
        self.stack[-1] = function(*arguments)

    def _newobj(self) -> None:
        arguments, kind = self.stack.pop(), self.stack.pop()
        if not any(kind is known for known in self._created) or kind is self._tree or arguments != ():
            raise refuse(f"it creates {getattr(kind, '__name__', kind)!r}")
        self.stack.append(kind.__new__(kind))

    def _build(self) -> None:
        state, instance = self.stack.pop(), self.stack[-1]
        if isinstance(instance, np.dtype):
            self._replace(instance, validation.dtype_with(instance, state))
        elif type(instance) is NumpyArrayWrapper:
            self.stack[-1] = self._array(state)
        elif type(instance) in self._created and type(instance) is not type:
            if type(instance) is self._tree:
                validation.check_tree_state(instance, state)
            self.stack.append(state)
            pickle._Unpickler.load_build(self)  # type: ignore[attr-defined]
        else:
            raise refuse(f"it sets the state of {instance!r:.60}")

    def _replace(self, old: Any, new: Any) -> None:
        """Put ``new`` where ``old`` is remembered: a pickle names a type before it completes it."""
        self.stack[-1] = new
        for key in [key for key, value in self.memo.items() if value is old]:
            self.memo[key] = new

    def _array(self, state: Any) -> np.ndarray[Any, Any]:
        validation.check_array(state, self._size)
        align = state.get("numpy_array_alignment_bytes")
        shape, order, dtype = state["shape"], state["order"], state["dtype"]
        wrapper = NumpyArrayWrapper(np.ndarray, shape, order, dtype, numpy_array_alignment_bytes=align)
        array: np.ndarray[Any, Any] = wrapper.read_array(self, False)
        return array

    def _refuse(self) -> None:
        raise refuse("it uses a pickle instruction that no bundle needs")

    dispatch[pickle.REDUCE[0]] = _reduce
    dispatch[pickle.NEWOBJ[0]] = _newobj
    dispatch[pickle.BUILD[0]] = _build


_NEEDLESS = (pickle.INST, pickle.OBJ, pickle.NEWOBJ_EX, pickle.PERSID, pickle.BINPERSID, pickle.NEXT_BUFFER)
_Guard.dispatch |= {code[0]: _Guard._refuse for code in (*_NEEDLESS, pickle.EXT1, pickle.EXT2, pickle.EXT4)}


def loads(data: bytes, *, extra_allowed: Sequence[str] = ()) -> Any:
    """Payload of a bundle's bytes, compressed or not.

    ``extra_allowed`` names further classes of ``lo2.models``, scikit-learn or ``scipy.sparse`` that may be created.

    Raises
    ------
    UntrustedBundleError
        If the bytes name, call or hold anything else, or are damaged.
    """
    strange = [name for name in extra_allowed if not name.startswith(_PACKAGES)]
    if strange:
        raise ValueError(f"extra_allowed names {strange[0]}: expected classes of {', '.join(_PACKAGES)}")
    payload = _unpickle(data, (*CREATED, *extra_allowed))
    validation.check_payload(payload)
    return payload


def _unpickle(data: bytes, created: Sequence[str], *, stub: bool = False) -> Any:
    try:
        guard = _Guard(validation.unpack(data), created, stub=stub)
        with warnings.catch_warnings():
            # Scikit-learn warns about other versions: the card's version and the self-test say it better.
            warnings.simplefilter("ignore")
            return guard.load()
    except UntrustedBundleError:
        raise
    except (*_BROKEN, RecursionError, MemoryError) as error:
        raise refuse(f"it is damaged ({type(error).__name__}: {error})") from error


def strings(data: bytes) -> Iterator[str]:
    """Every text inside a bundle (vocabulary, parameters), read without importing any class that it names."""
    for part in validation.parts(_unpickle(data, (), stub=True)):
        if isinstance(part, str):
            yield part
        elif isinstance(part, np.ndarray) and part.dtype.kind in "US":
            yield from (str(text) for text in part.ravel())


class _Pickler(NumpyPickler):  # type: ignore[misc]
    """Joblib's pickler, with zeros where a record array has padding: that is memory nobody set."""

    def save(self, obj: Any) -> None:
        """Pickle ``obj``."""
        if isinstance(obj, np.ndarray) and obj.dtype.names:
            clean = np.zeros(obj.shape, dtype=obj.dtype)
            for name in obj.dtype.names:
                clean[name] = obj[name]
            obj = clean
        super().save(obj)


def _dumps(payload: Any, *, shared: bool) -> bytes:
    target = io.BytesIO()
    pickler = _Pickler(target, protocol=PROTOCOL)
    pickler.fast = not shared
    pickler.dump(payload)
    return target.getvalue()


def canonical_bytes(payload: Any, *, extra_allowed: Sequence[str] = ()) -> bytes:
    """Bytes of ``payload`` that depend on its values alone, not on which of its parts happen to be one object.

    Dumped with every part spelt out, loaded (so nothing is saved that will not load), dumped again.
    """
    return _dumps(loads(_dumps(payload, shared=False), extra_allowed=extra_allowed), shared=True)


def save_bundle(
    bundle: Path,
    payload: Any,
    card: Mapping[str, Any],
    *,
    overwrite: bool = False,
    extra_allowed: Sequence[str] = (),
) -> tuple[Path, Path]:
    """Save ``payload`` (what ``loads`` accepts) and its card as one; paths of both.

    ``card`` has the keys of ``card.KEYS``; format and sha256 are added. The same bundle again is not overwriting; one
    whose card says ``source: demo`` gives way to another of that source.

    Raises
    ------
    ArtefactExistsError
        If another bundle is there and ``overwrite`` is not set.
    """
    data = canonical_bytes(payload, extra_allowed=extra_allowed)
    full = complete(card, sha256_bytes(data))
    repair(bundle)
    if bundle.exists() and not overwrite:
        old = read_card(bundle)
        same = sha256_bytes(bundle.read_bytes()) == full["bundle_sha256"]
        if same and {**old, "generated_at": None} == {**full, "generated_at": None}:
            return bundle, card_path(bundle)
        if not same and not old.get("source") == full.get("source") == "demo":
            raise ArtefactExistsError(
                f"{bundle} exists and differs. Pass --overwrite-model, or keep both with --variant"
            )
    write_pair(bundle, data, full)
    return bundle, card_path(bundle)


def load_bundle(
    bundle: Path,
    *,
    self_test: Callable[[Any, list[list[str]]], Sequence[float]] | None = None,
    extra_allowed: Sequence[str] = (),
) -> Bundle:
    """Load a bundle after every check; ``self_test`` gives the anomaly scores of token lists for a payload.

    Raises
    ------
    InputNotFoundError
        If there is no such file.
    UntrustedBundleError
        If a check fails; nothing that the bundle brought along has run then.
    """
    repair(bundle)
    if not bundle.is_file():
        raise InputNotFoundError(f"There is no bundle {bundle}. Train one with: lo2 detect --save-model")
    data, card = bundle.read_bytes(), read_card(bundle)
    expected, notes = card.get("bundle_sha256"), drift(card)
    if expected is None:
        notes = (f"{card_path(bundle)} holds no bundle_sha256: nothing says where {bundle.name} is from", *notes)
    elif expected != sha256_bytes(data):
        raise refuse(f"{bundle} has sha256 {sha256_bytes(data)[:12]}..., its card says {str(expected)[:12]}...")
    payload = loads(data, extra_allowed=extra_allowed)
    tests = card.get("self_test") or []
    if self_test is not None and tests:
        again = np.asarray(self_test(payload, [list(test["tokens"]) for test in tests]), dtype=float)
        if not np.all(np.abs(again - np.array([test["score"] for test in tests])) <= TOLERANCE):
            raise refuse(f"{bundle} does not give the scores of its self-test here")
    return Bundle(payload, card, notes)
