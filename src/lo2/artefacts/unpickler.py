"""Unpickling that runs nothing a stranger wrote: listed names, classes, instructions; a memo, bounded memory.

Every instruction is counted with what it may take before it is carried out, so that neither a lying length nor a
million empty sets fill the memory. State is taken over by this module, never by a method of the instance.
"""

import importlib
import io
import pickle
import struct
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any, ClassVar

import numpy as np
from joblib.numpy_pickle import NumpyArrayWrapper, NumpyUnpickler

from lo2.artefacts import validation
from lo2.artefacts.attributes import CSR, DERIVED, TREE, VECTORIZER, class_name, unknown_attributes
from lo2.artefacts.compression import decompress_bundle
from lo2.artefacts.refusal import bundle_refusal
from lo2.errors import MissingExtraError, UntrustedBundleError
from lo2.extras import library_installed, naming_extra

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
STAND_INS: Mapping[str, str] = {
    name: own
    for name, own in {CSR: "lo2.sparse.CsrMatrix", VECTORIZER: "lo2.models.bases.CountVectorizer"}.items()
    if not library_installed(name.partition(".")[0])
}
"""What is created for a class whose library is not installed."""
_WRAPPER = "joblib.numpy_pickle.NumpyArrayWrapper"
_BROKEN = (
    pickle.UnpicklingError, EOFError, ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError,
    struct.error, AssertionError,
)  # fmt: skip
_LISTED = (
    "PROTO", "FRAME", "STOP", "MARK", "EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "EMPTY_LIST", "APPEND",
    "APPENDS", "EMPTY_DICT", "SETITEM", "SETITEMS", "EMPTY_SET", "ADDITEMS", "SHORT_BINUNICODE", "BINUNICODE",
    "BINUNICODE8", "SHORT_BINBYTES", "BINBYTES", "BINBYTES8", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT",
    "NONE", "NEWTRUE", "NEWFALSE", "MEMOIZE", "BINPUT", "LONG_BINPUT", "BINGET", "LONG_BINGET", "GLOBAL",
    "STACK_GLOBAL", "REDUCE", "NEWOBJ", "BUILD",
)  # fmt: skip
# Bytes that an instruction may take besides those it reads, measured with tracemalloc; any other one a few.
_COSTS = {
    "MARK": 150, "TUPLE": 100, "TUPLE1": 60, "TUPLE2": 64, "TUPLE3": 72, "EMPTY_LIST": 100, "EMPTY_DICT": 140,
    "EMPTY_SET": 300, "SETITEM": 120, "SETITEMS": 16, "SHORT_BINUNICODE": 80, "BINUNICODE": 80, "BINUNICODE8": 80,
    "SHORT_BINBYTES": 50, "BINBYTES": 50, "BINBYTES8": 50, "BININT": 40, "LONG1": 80, "BINFLOAT": 40, "MEMOIZE": 120,
    "BINPUT": 120, "LONG_BINPUT": 120, "REDUCE": 800, "NEWOBJ": 600, "BUILD": 600,
}  # fmt: skip
_PER_ITEM = {"APPENDS": 16, "SETITEMS": 60, "ADDITEMS": 80, "TUPLE": 8}
_FREE, _PER_BYTE, _MOST = 32 << 20, 40, 640 << 20
# Between a type's name and its state lie its fields, so that it is among the last that were remembered.
_RECENT = 1000


class _Stub:
    """Stands for an instance of a class that is not imported."""

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments
        self.state: Any = None


class _Guard(NumpyUnpickler):  # type: ignore[misc]
    """Unpickler that resolves only listed names, calls only listed functions and reads only arrays of numbers."""

    dispatch: ClassVar[dict[int, Any]] = {}

    def __init__(self, data: bytes, created: Sequence[str], *, stub: bool = False) -> None:
        super().__init__("", io.BytesIO(data), ensure_native_byte_order=False)
        self._size, self._stub, self._names = len(data), stub, frozenset(created)
        self._left = min(_MOST, _FREE + _PER_BYTE * len(data))
        self._created: set[type] = {NumpyArrayWrapper}
        self._called: set[Any] = set(CALLED.values())
        self._tree: type | None = None
        self._bare: dict[int, Any] = {}

    def load(self) -> Any:
        """Value of the pickle; joblib's and pickle's own loop, with a count."""
        self._unframer = pickle._Unframer(self._file_read, self._file_readline)  # type: ignore[attr-defined]
        self.read, self.readinto = self._unframer.read, self._unframer.readinto
        self.readline = self._unframer.readline
        self.metastack: list[Any] = []
        self.stack: list[Any] = []
        self.append = self.stack.append
        self.proto = 0
        read, dispatch, costs = self.read, self.dispatch, _BY_CODE
        try:
            while True:
                code = read(1)
                if not code:
                    raise EOFError("it ends too early")
                self._left -= costs.get(code[0], 10)
                if self._left < 0:
                    raise bundle_refusal("it takes more memory than a model of its size could")
                dispatch.get(code[0], _Guard._refuse_pickle_instruction)(self)
        except pickle._Stop as stop:  # type: ignore[attr-defined]
            if self._bare:
                raise bundle_refusal("a tree without its nodes") from None
            return stop.value

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
            raise bundle_refusal(f"it names {full[:100]}, which is not on the list{hint}")
        home, _, inside = STAND_INS[full].rpartition(".") if full in STAND_INS else (module, "", name)
        with naming_extra("This bundle"):
            found = getattr(importlib.import_module(home), inside)
        if not isinstance(found, type):
            raise bundle_refusal(f"it names {full}, which is no class")
        if full == TREE:
            self._tree = found
            self._called.add(found)
        self._created.add(found)
        return found

    def _unpickle_reduce(self) -> None:
        arguments, function = self.stack.pop(), self.stack[-1]
        if not any(function is known for known in self._called) or type(arguments) is not tuple:
            raise bundle_refusal(f"it calls {_pickled_name(function)}")
        if function is self._tree:
            validation.check_tree_arguments(arguments)
        if function is Counter and not (len(arguments) == 1 and type(arguments[0]) is dict):
            raise bundle_refusal("a malformed Counter")
        self._pay_memory(60 * len(arguments[0]) if function is Counter else 0)
        made = function(*arguments)
        if function is self._tree:
            self._bare[id(made)] = made
        self.stack[-1] = made

    def _unpickle_new_object(self) -> None:
        arguments, kind = self.stack.pop(), self.stack.pop()
        if not any(kind is known for known in self._created) or kind is self._tree or arguments != ():
            raise bundle_refusal(f"it creates {_pickled_name(kind)}")
        self.stack.append(kind() if kind is _Stub else object.__new__(kind))

    def _unpickle_build(self) -> None:
        state, instance = self.stack.pop(), self.stack[-1]
        if isinstance(instance, np.dtype):
            self._replace_in_memo(instance, validation.dtype_with(instance, state))
        elif type(instance) is NumpyArrayWrapper:
            self.stack[-1] = self._unpickled_array(state)
        elif type(instance) is _Stub:
            instance.state = state
        elif type(instance) is self._tree:
            self._build_unpickled_tree(instance, state)
        elif type(instance) in self._created:
            self._fill_unpickled_instance(instance, state)
        else:
            raise bundle_refusal(f"it sets the state of a {type(instance).__name__}")

    def _build_unpickled_tree(self, tree: Any, state: Any) -> None:
        if self._bare.pop(id(tree), None) is None:
            raise bundle_refusal("a tree that is changed after it was made")
        validation.check_tree_state(tree, state)
        tree.__setstate__(state)

    def _fill_unpickled_instance(self, instance: Any, state: Any) -> None:
        """Take over the state of an instance: once, and listed attributes only."""
        name = class_name(instance)
        if type(state) is not dict or vars(instance):
            raise bundle_refusal(f"the state of a {type(instance).__name__} is no dictionary, or set twice")
        strange = unknown_attributes(name, state)
        if strange:
            raise bundle_refusal(f"a {type(instance).__name__} with an unknown attribute {strange[0]!r}")
        vars(instance).update((key, value) for key, value in state.items() if key not in DERIVED)

    def _replace_in_memo(self, old: Any, new: Any) -> None:
        """Put ``new`` where ``old`` is remembered: a pickle names a type before it completes it."""
        self.stack[-1] = new
        recent = islice(reversed(self.memo.items()), _RECENT)
        for key in [key for key, value in recent if value is old]:
            self.memo[key] = new

    def _unpickled_array(self, state: Any) -> np.ndarray[Any, Any]:
        validation.check_array(state, self._size - self.file_handle.tell())
        align = state.get("numpy_array_alignment_bytes")
        shape, order, dtype = state["shape"], state["order"], state["dtype"]
        wrapper = NumpyArrayWrapper(np.ndarray, shape, order, dtype, numpy_array_alignment_bytes=align)
        array: np.ndarray[Any, Any] = wrapper.read_array(self, False)
        return array

    def _pay_memory(self, cost: int) -> None:
        self._left -= cost
        if self._left < 0:
            raise bundle_refusal("it takes more memory than a model of its size could")

    def _unpickle_into_container(self, code: str, *, holder: type, hashed: int = 0) -> None:
        """Refuse to add to anything but a list, dictionary or set, or keys that take for ever to hash."""
        one = code in ("APPEND", "SETITEM")
        step = 2 if hashed else 1
        items = self.stack[-step:] if one else self.stack
        target = self.stack[-step - 1] if one else self.metastack[-1][-1]
        self._pay_memory(len(items) * _PER_ITEM.get(code, 0))
        if type(target) is not holder:
            raise bundle_refusal(f"it adds to a {type(target).__name__}")
        if hashed and not all(type(key) in (str, int) for key in items[::hashed]):
            raise bundle_refusal("a key that is neither text nor number")
        _INHERITED[code](self)

    def _unpickle_tuple(self) -> None:
        self._pay_memory(len(self.stack) * _PER_ITEM["TUPLE"])
        _INHERITED["TUPLE"](self)

    def _refuse_pickle_instruction(self) -> None:
        raise bundle_refusal("it uses a pickle instruction that no bundle needs")


def _pickled_name(thing: Any) -> str:
    """Name of a class or function; of anything else its class, since its own text may be endless."""
    return f"{thing.__module__}.{thing.__name__}"[:100] if isinstance(thing, type) else f"a {type(thing).__name__}"


_CODES = {name: getattr(pickle, name)[0] for name in _LISTED}
_BY_CODE = {_CODES[name]: cost for name, cost in _COSTS.items()}
_INHERITED = {name: NumpyUnpickler.dispatch[code] for name, code in _CODES.items()}
_Guard.dispatch |= {_CODES[name]: action for name, action in _INHERITED.items()}
_Guard.dispatch |= {
    _CODES["REDUCE"]: _Guard._unpickle_reduce,
    _CODES["NEWOBJ"]: _Guard._unpickle_new_object,
    _CODES["BUILD"]: _Guard._unpickle_build,
    _CODES["TUPLE"]: _Guard._unpickle_tuple,
    _CODES["APPEND"]: lambda self: self._unpickle_into_container("APPEND", holder=list),
    _CODES["APPENDS"]: lambda self: self._unpickle_into_container("APPENDS", holder=list),
    _CODES["SETITEM"]: lambda self: self._unpickle_into_container("SETITEM", holder=dict, hashed=2),
    _CODES["SETITEMS"]: lambda self: self._unpickle_into_container("SETITEMS", holder=dict, hashed=2),
    _CODES["ADDITEMS"]: lambda self: self._unpickle_into_container("ADDITEMS", holder=set, hashed=1),
}


def unpickle(data: bytes, created: Sequence[str], *, stub: bool = False) -> Any:
    """Value of a bundle's bytes, compressed or not; instances of ``created`` classes, or with ``stub`` of none.

    Raises
    ------
    UntrustedBundleError
        If the bytes name, call or hold anything else, are damaged, or take too much memory.
    MissingExtraError
        If they name a listed class of a library that is not installed.
    """
    try:
        guard = _Guard(decompress_bundle(data), created, stub=stub)
        with warnings.catch_warnings():
            # Scikit-learn warns about other versions: the card's version and the self-test say it better.
            warnings.simplefilter("ignore")
            return guard.load()
    except (UntrustedBundleError, MissingExtraError):
        raise
    except (*_BROKEN, RecursionError, MemoryError) as error:
        raise bundle_refusal(f"it is damaged ({type(error).__name__}: {error!s:.100})") from error
