"""The compiled twin against the Python code that is its oracle; where it is not installed there is nothing to compare."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lo2.features import bags as bags_module
from lo2.features.bags import Occurrences, bags
from lo2.features.trigrams import trigrams
from lo2.kernel import kernel, kernel_allowed, kernel_in_use
from lo2.loading.lines.index import CompiledIndex, Index, Spans, new_index

compiled = pytest.mark.skipif(kernel() is None, reason="lo2_kernel is not installed")
UUID = "96bce40c-3e1e-41df-ac31-34e16e0a46b8"
PIECES = ["16:29:40.148 [t]  keNUio1dQP-rs6SyE15iUw ", "16:29:40.149 [hz.thread-8]   ", "16:29:40.148 [", "]", "]  ", "  ", " ", "\n", "\r\n", "\r", "\tat a.b(C.java:3)", "DEBUG a b - ", "Load:", " Load:", " Store:", " Delete:", "/", '"', '":"', "Basic ", "Basic a/", "id ", "Id ", "d ", ":", "x:", ",", "-", "{", "(", "\x00", "\u00e4", "\u20ac", "A" * 50, UUID, UUID[:32], UUID[:31], "66c2c2bd", "12345678", "1234567", "abcdefab12345678"]  # fmt: skip
LOGS = st.lists(st.sampled_from(PIECES), max_size=40).map("".join).map(str.encode)


def same(blocks: list[bytes], *, shapes: bool, clear: bool = False) -> None:
    ours, theirs = Index(), CompiledIndex(kernel())
    for block in blocks:
        for one, other in zip(
            ours.number_logback(block, shapes=shapes), theirs.number_logback(block, shapes=shapes), strict=True
        ):
            assert one.dtype == other.dtype
            assert one.tolist() == other.tolist()
        assert list(ours) == list(theirs)
        assert len(ours) == len(theirs)
        if clear:
            ours.clear()
            theirs.clear()


@compiled
@settings(max_examples=400, deadline=None)
@given(st.lists(LOGS, min_size=1, max_size=3), st.booleans(), st.booleans())
@example([f"{PIECES[0]}DEBUG a b - x/{UUID}".encode()], True, False)
@example([("Basic " + "A" * 41 + "/" + UUID).encode(), ("Basic " + "A" * 42 + "/" + UUID).encode()], True, False)
@example([("A" * 44 + "/66c2c2bd").encode(), ("A" * 47 + "/66c2c2bd").encode()], True, True)
@example([b'"66c2c2bd"', b'{"66c2c2bd"', b"id 66c2c2bd-3e1e-41df-ac31-34e16e0a46b8"], True, False)
@example([b'"66c2c2bd"', b"xd " + UUID.encode(), b":" + UUID.encode(), b"x:" + UUID.encode()], True, False)
def test_logs_made_of_what_rules_ask_for_are_read_alike(blocks, shapes, clear):
    same([block + b"\n" for block in blocks], shapes=shapes, clear=clear)


@compiled
@settings(max_examples=300, deadline=None)
@given(st.lists(st.binary(max_size=200), min_size=1, max_size=3), st.booleans())
def test_any_bytes_are_read_alike(blocks, shapes):
    same([block + b"\n" for block in blocks], shapes=shapes)


@compiled
@pytest.mark.parametrize("place", range(48))
def test_any_byte_in_any_place_of_a_header_is_judged_alike(place):
    line = b"16:29:40.148 [t]  keNUio1dQP-rs6SyE15iUw DEBUG a"
    same([line[:place] + bytes([byte]) + line[place + 1 :] + b"\n" for byte in range(256)], shapes=True)


@compiled
@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=24), max_size=60))
def test_bodies_of_any_format_are_numbered_alike(bodies):
    ours, theirs = Index(), CompiledIndex(kernel())
    edges = np.cumsum([0, *map(len, bodies)]).astype(np.int64)
    spans = Spans(b"".join(bodies), edges[:-1], edges[1:])
    for some in (bodies, spans, bodies[::-1]):
        assert ours.number_bodies(some).tolist() == theirs.number_bodies(some).tolist()
    assert list(ours) == list(theirs) == list(dict.fromkeys(bodies))


@compiled
def test_a_table_that_grows_keeps_every_number():
    ours, theirs = Index(), CompiledIndex(kernel())
    many = [b"%d" % (i % 70_000) * (1 + i % 5) for i in range(200_000)]
    assert ours.number_bodies(many).tolist() == theirs.number_bodies(many).tolist()
    assert list(ours) == list(theirs)


MESSAGES = ["", "up", "down up up", "DEBUG a b - Load:<*>", "\n\tat x"]


@compiled
@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.integers(0, len(MESSAGES) - 1), max_size=30), max_size=8), st.sampled_from([2, 2_000_000]))
def test_bags_are_counted_alike(rows, cells):
    lines = [np.array(row, np.uint32) for row in rows]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bags_module, "_CELLS", cells)
        found = []
        for on in (True, False):
            with kernel_allowed(on):
                occurrences = Occurrences.from_message_numbers(lines)
                frames = [bags(occurrences, MESSAGES, tokens) for tokens in (str.split, trigrams)]
                found.append(
                    ([getattr(occurrences, name).tolist() for name in ("starts", "messages", "counts")], frames)
                )
    assert found[0][0] == found[1][0]
    assert all(one.equals(other) for one, other in zip(found[0][1], found[1][1], strict=True))


@compiled
@pytest.mark.parametrize(
    ("changed", "value"),
    [(0, [0, 3]), (0, [1, 0]), (0, [-1, 1]), (1, [7]), (1, [-1]), (2, []), (3, [0, 9]), (4, [5]), (4, [-1]), (5, [])],
)
def test_arrays_that_do_not_fit_are_refused(changed, value):
    arrays = [[0, 1], [0], [1], [0, 1], [0], [1]]
    arrays[changed] = value
    with pytest.raises(ValueError, match=r"differ in length|outside|beyond the width|not in the table"):
        kernel().expand(*(np.array(array, np.int64) for array in arrays), 3)


@compiled
def test_wrong_arguments_are_errors_and_leave_the_table_whole():
    table = kernel().Table(1, 2)
    assert table.number([b"a"]) == bytearray(4)
    for call in (lambda: table.number([b"a", "b"]), lambda: table.number(3), lambda: table.scan("text", True)):
        with pytest.raises(TypeError):
            call()
    for begins, ends in (([0], [4]), ([-1], [1]), ([2], [1]), ([0, 1], [1])):
        with pytest.raises(ValueError, match="outside|as many"):
            table.spans(b"abc", np.array(begins, np.int64), np.array(ends, np.int64))
    with pytest.raises(ValueError, match="beyond the width"):
        kernel().count([np.array([5], np.uint32)], 5)
    assert table.bodies() == [b"a"]


def test_it_can_be_turned_off(monkeypatch):
    with kernel_allowed(False):
        assert kernel() is None
        assert kernel_in_use() == "python"
        assert isinstance(new_index(), Index)
        with kernel_allowed(True):
            assert kernel() is None
    monkeypatch.setenv("LO2_KERNEL", "0")
    assert kernel() is None
