"""Arrays of a loaded model, checked before compiled code follows them: trees, sparse matrices, vocabularies.

Scikit-learn walks the nodes of a tree without looking whether they exist; a file from a stranger may say anything.
"""

import bz2
import gzip
import io
import lzma
import math
import re
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from lo2.errors import UntrustedBundleError

_CODE = re.compile(r"[fiub](?:1|2|4|8)|[USV]\d{1,6}")
_MAX_FEATURES = 100_000_000
MAX_BYTES = 1 << 30


def refuse(what: str) -> UntrustedBundleError:
    """Error that says what a bundle holds that it must not."""
    return UntrustedBundleError(f"The bundle is refused: {what}. Get it again from where it came from, or train anew")


def unpack(data: bytes) -> bytes:
    """``data`` decompressed as joblib would, up to a bound."""
    plain, whole = data, True
    openers: dict[bytes, Any] = {b"\x1f\x8b": gzip.open, b"BZ": bz2.open, b"\xfd7zXZ": lzma.open, b"\x5d\0": lzma.open}
    try:
        if data.startswith((b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")):
            stream = zlib.decompressobj()
            plain = stream.decompress(data, MAX_BYTES)
            whole = stream.eof
        for prefix in (prefix for prefix in openers if data.startswith(prefix)):
            with openers[prefix](io.BytesIO(data)) as packed:
                plain = bytes(packed.read(MAX_BYTES))
                whole = not packed.read(1)
    except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
        raise refuse(f"it is damaged ({error})") from error
    if not whole:
        raise refuse(f"it is truncated, or unpacks to more than {MAX_BYTES >> 20} MiB")
    return plain


def dtype_from(code: Any, *_: Any) -> np.dtype[Any]:
    """Stand-in for ``numpy.dtype`` in a pickle: numbers, text and plain records only, never objects."""
    if not isinstance(code, str) or not _CODE.fullmatch(code.lstrip("<>|=")):
        raise refuse(f"an array of type {code!r}")
    return np.dtype(code)


def dtype_with(dtype: np.dtype[Any], state: Any) -> np.dtype[Any]:
    """``dtype`` with byte order and fields of its pickled ``state``, built with numpy's checks."""
    if not (isinstance(state, tuple) and len(state) >= 7 and state[1] in ("<", ">", "|", "=")):
        raise refuse("a malformed array type")
    subarray, names, fields, itemsize = state[2:6]
    if subarray is not None or (names is None) != (fields is None):
        raise refuse("a nested array type")
    if names is None:
        return dtype.newbyteorder(state[1])
    columns = [fields[name] for name in names]
    if any(not isinstance(kind, np.dtype) or kind.fields or kind.hasobject for kind, *_ in columns):
        raise refuse("a nested array type")
    offsets = [offset for _, offset, *_ in columns]
    return np.dtype(
        {"names": list(names), "formats": [kind for kind, *_ in columns], "offsets": offsets, "itemsize": itemsize}
    )


def scalar_from(dtype: Any, data: Any) -> Any:
    """Stand-in for numpy's scalar constructor: numbers only, never pickled objects."""
    if not isinstance(dtype, np.dtype) or dtype.kind not in "fiub" or not isinstance(data, bytes):
        raise refuse("a scalar that is no number")
    return np.frombuffer(data, dtype=dtype, count=1)[0]


def check_array(state: Any, limit: int) -> None:
    """Refuse the description of an array of objects, of an unusual kind, or of more than ``limit`` bytes."""
    names = {"subclass", "shape", "order", "dtype", "allow_mmap"}
    if not isinstance(state, dict) or not names <= set(state) <= names | {"numpy_array_alignment_bytes"}:
        raise refuse("a malformed array")
    shape, dtype = state["shape"], state["dtype"]
    if state["subclass"] is not np.ndarray or state["order"] not in ("C", "F") or not isinstance(dtype, np.dtype):
        raise refuse("an array of an unusual kind")
    whole = isinstance(shape, tuple) and all(isinstance(n, int) and n >= 0 for n in shape)
    size = math.prod(shape) * dtype.itemsize if whole else limit + 1
    if dtype.hasobject or size > limit or state.get("numpy_array_alignment_bytes") not in (None, 16):
        raise refuse("an array of objects, or one larger than its file")


def check_tree_arguments(arguments: Any) -> None:
    """Refuse arguments of ``Tree(n_features, n_classes, n_outputs)`` that do not fit each other."""
    if not (isinstance(arguments, tuple) and len(arguments) == 3):
        raise refuse("a malformed tree")
    n_features, n_classes, n_outputs = arguments
    sizes = isinstance(n_features, int) and 0 < n_features < _MAX_FEATURES and n_outputs == 1
    classes = isinstance(n_classes, np.ndarray) and n_classes.shape == (1,) and n_classes.dtype.kind == "i"
    if not sizes or not classes or not 0 < int(n_classes[0]) < 10_000:
        raise refuse("a tree whose sizes do not fit each other")


def check_tree_state(tree: Any, state: Any) -> None:
    """Refuse node arrays that lead out of the tree, round in circles or to columns it does not have."""
    if not isinstance(state, dict) or not {"nodes", "values", "node_count", "max_depth"} <= set(state):
        raise refuse("a malformed tree")
    nodes, values, count = state["nodes"], state["values"], state["node_count"]
    wanted = {"left_child", "right_child", "feature", "threshold"}
    if not isinstance(nodes, np.ndarray) or not wanted <= set(nodes.dtype.names or ()) or nodes.shape != (count,):
        raise refuse("a tree with malformed nodes")
    expected = (count, 1, int(tree.max_n_classes))
    if count < 1 or not isinstance(values, np.ndarray) or values.shape != expected or values.dtype != np.float64:
        raise refuse("a tree with malformed values")
    left, right = nodes["left_child"], nodes["right_child"]
    inner, index = left != -1, np.arange(count)
    if np.any(inner != (right != -1)):
        raise refuse("a tree node with one child")
    children = np.concatenate([left[inner], right[inner]])
    # Every builder appends children after their parent: larger numbers, each once, are a tree without circles.
    if np.any(children <= np.concatenate([index[inner]] * 2)) or np.any(children >= count):
        raise refuse("a tree node outside its tree")
    if len(np.unique(children)) != count - 1:
        raise refuse("a tree with a node of two parents or none")
    feature = nodes["feature"][inner]
    if np.any((feature < 0) | (feature >= tree.n_features)):
        raise refuse("a tree that splits on a column it does not have")
    if not (np.isfinite(nodes["threshold"][inner]).all() and np.isfinite(values).all()):
        raise refuse("a tree with infinite numbers")


def check_payload(payload: Any) -> None:
    """Refuse estimators whose parts do not fit each other, and sparse matrices that point outside themselves."""
    for part in parts(payload):
        if hasattr(part, "tree_") and part.tree_.n_features > getattr(part, "n_features_in_", 0):
            raise refuse("a tree wider than its estimator")
        if hasattr(part, "estimators_"):
            _check_ensemble(part)
        if hasattr(part, "vocabulary_"):
            _check_vectorizer(part)
        if hasattr(part, "indptr") and hasattr(part, "check_format"):
            try:
                part.check_format(full_check=True)
            except (ValueError, TypeError, IndexError) as error:
                raise refuse(f"a sparse matrix that is none ({error})") from error


def _check_ensemble(forest: Any) -> None:
    width, columns = getattr(forest, "n_features_in_", 0), getattr(forest, "estimators_features_", None)
    trees = [part.tree_ for part in np.ravel(np.array(forest.estimators_, dtype=object)) if hasattr(part, "tree_")]
    if columns is not None and [len(chosen) for chosen in columns] != [tree.n_features for tree in trees]:
        raise refuse("a forest whose trees do not fit their columns")
    if any(tree.n_features > width for tree in trees):
        raise refuse("a forest narrower than its trees")


def _check_vectorizer(vectorizer: Any) -> None:
    vocabulary = vectorizer.vocabulary_
    if not isinstance(vocabulary, dict) or getattr(vectorizer, "input", "content") != "content":
        raise refuse("a vectoriser that reads files or has no vocabulary")
    if any(not isinstance(i, int | np.integer) or not 0 <= i < len(vocabulary) for i in vocabulary.values()):
        raise refuse("a vocabulary that points outside its matrix")


def parts(payload: Any) -> Iterator[Any]:
    """Every object inside ``payload`` once: members of lists, tuples, sets and mappings, attributes of instances."""
    seen: set[int] = set()
    left = [payload]
    while left:
        part = left.pop()
        if isinstance(part, int | float | bytes | type | None) or id(part) in seen:
            continue
        seen.add(id(part))
        yield part
        if isinstance(part, Mapping):
            left.extend(part.keys())
            left.extend(part.values())
        elif isinstance(part, list | tuple | set | frozenset):
            left.extend(part)
        elif not isinstance(part, str | np.ndarray | np.generic | np.dtype) and hasattr(part, "__dict__"):
            left.extend(vars(part).values())
