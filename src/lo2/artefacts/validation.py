"""Arrays of a payload validated while unpickled: dtypes and scalars, sizes before they are allocated, nodes of trees.

Scikit-learn walks the nodes of a tree without looking whether they exist; a file from a stranger may say anything.
"""

import math
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from lo2.artefacts.refusal import bundle_refusal

_CODE = re.compile(r"[fiub](?:1|2|4|8)|[USV]\d{1,6}")
_MAX_FEATURES = 10_000_000
_MAX_NODES = 1 << 31
_MAX_DIMENSIONS = 4


def dtype_from(code: Any, *_: Any) -> np.dtype[Any]:
    """Stand-in for ``numpy.dtype`` in a pickle: numbers, text and plain records only, never objects."""
    if not isinstance(code, str) or not _CODE.fullmatch(code.lstrip("<>|=")):
        raise bundle_refusal("an array of a type that no model needs")
    return np.dtype(code)


def dtype_with(dtype: np.dtype[Any], state: Any) -> np.dtype[Any]:
    """``dtype`` with byte order and fields of its pickled ``state``, built with numpy's checks."""
    if not (isinstance(state, tuple) and len(state) >= 7 and state[1] in ("<", ">", "|", "=")):
        raise bundle_refusal("a malformed array type")
    subarray, names, fields, itemsize = state[2:6]
    if subarray is not None or (names is None) != (fields is None):
        raise bundle_refusal("a nested array type")
    if names is None:
        return dtype.newbyteorder(state[1])
    if type(names) is not tuple or type(fields) is not dict or len(names) > 64 or set(names) != set(fields):
        raise bundle_refusal("a malformed array type")
    columns = [fields[name] for name in names]
    if type(itemsize) is not int or not 0 < itemsize <= 4096:
        raise bundle_refusal("a malformed array type")
    if any(not isinstance(kind, np.dtype) or kind.fields or kind.hasobject for kind, *_ in columns):
        raise bundle_refusal("a nested array type")
    offsets = [offset for _, offset, *_ in columns]
    return np.dtype(
        {"names": list(names), "formats": [kind for kind, *_ in columns], "offsets": offsets, "itemsize": itemsize}
    )


def scalar_from(dtype: Any, data: Any) -> Any:
    """Stand-in for numpy's scalar constructor: numbers only, never pickled objects."""
    if not isinstance(dtype, np.dtype) or dtype.kind not in "fiub" or not isinstance(data, bytes):
        raise bundle_refusal("a scalar that is no number")
    return np.frombuffer(data, dtype=dtype, count=1)[0]


def check_array(state: Any, limit: int) -> None:
    """Refuse the description of an array of objects, of an unusual kind, or of more than ``limit`` bytes."""
    names = {"subclass", "shape", "order", "dtype", "allow_mmap"}
    if not isinstance(state, dict) or not names <= set(state) <= names | {"numpy_array_alignment_bytes"}:
        raise bundle_refusal("a malformed array")
    shape, dtype = state["shape"], state["dtype"]
    if state["subclass"] is not np.ndarray or state["order"] not in ("C", "F") or not isinstance(dtype, np.dtype):
        raise bundle_refusal("an array of an unusual kind")
    whole = type(shape) is tuple and len(shape) <= _MAX_DIMENSIONS and all(type(n) is int and n >= 0 for n in shape)
    # Neither may an empty array promise a long side, nor an array of nothing a length: what walks them believes it.
    small = whole and all(n <= limit for n in shape) and math.prod(shape) * dtype.itemsize <= limit
    aligned = state.get("numpy_array_alignment_bytes") in (None, 16)
    if dtype.hasobject or not small or not aligned or (dtype.itemsize == 0 and 0 not in shape):
        raise bundle_refusal("an array of objects, or one larger than its file")


def check_tree_arguments(arguments: Any) -> None:
    """Refuse arguments of ``Tree(n_features, n_classes, n_outputs)`` that do not fit each other."""
    if not (isinstance(arguments, tuple) and len(arguments) == 3):
        raise bundle_refusal("a malformed tree")
    n_features, n_classes, n_outputs = arguments
    sizes = type(n_features) is int and 0 < n_features < _MAX_FEATURES and type(n_outputs) is int and n_outputs == 1
    classes = isinstance(n_classes, np.ndarray) and n_classes.shape == (1,) and n_classes.dtype.kind == "i"
    if not sizes or not classes or not 0 < int(n_classes[0]) < 10_000:
        raise bundle_refusal("a tree whose sizes do not fit each other")


def _tree_node_type(tree: Any) -> Any:
    """Type of a node, as the module that made the tree has it."""
    return sys.modules[type(tree).__module__].NODE_DTYPE


def check_tree_state(tree: Any, state: Any) -> None:
    """Refuse node arrays that lead out of the tree, round in circles or to columns it does not have."""
    if type(state) is not dict or set(state) != {"nodes", "values", "node_count", "max_depth"}:
        raise bundle_refusal("a malformed tree")
    if not all(type(state[name]) is int and 0 <= state[name] < _MAX_NODES for name in ("node_count", "max_depth")):
        raise bundle_refusal("a malformed tree")
    nodes, values, count = state["nodes"], state["values"], state["node_count"]
    if (
        not isinstance(nodes, np.ndarray)
        or nodes.dtype.newbyteorder("=") != _tree_node_type(tree)
        or nodes.shape != (count,)
    ):
        raise bundle_refusal("a tree with malformed nodes")
    expected = (count, 1, int(tree.max_n_classes))
    if not 0 <= state["max_depth"] <= count:
        raise bundle_refusal("a tree deeper than it has nodes")
    if count < 1 or not isinstance(values, np.ndarray) or values.shape != expected or values.dtype != np.float64:
        raise bundle_refusal("a tree with malformed values")
    left, right = nodes["left_child"], nodes["right_child"]
    inner, index = left != -1, np.arange(count)
    if np.any(inner != (right != -1)):
        raise bundle_refusal("a tree node with one child")
    children = np.concatenate([left[inner], right[inner]])
    # Every builder appends children after their parent: larger numbers, each once, are a tree without circles.
    if np.any(children <= np.concatenate([index[inner]] * 2)) or np.any(children >= count):
        raise bundle_refusal("a tree node outside its tree")
    if len(np.unique(children)) != count - 1:
        raise bundle_refusal("a tree with a node of two parents or none")
    feature = nodes["feature"][inner]
    if np.any((feature < 0) | (feature >= tree.n_features)):
        raise bundle_refusal("a tree that splits on a column it does not have")
    if not (np.isfinite(nodes["threshold"][inner]).all() and np.isfinite(values).all()):
        raise bundle_refusal("a tree with infinite numbers")


def payload_objects(payload: Any) -> Iterator[Any]:
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
