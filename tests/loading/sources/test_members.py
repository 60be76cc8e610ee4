"""Streams that are read forwards, by themselves or by a thread ahead, and windows of them."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lo2.loading.sources.members import Forward, Window

TEXT = bytes(range(256)) * 6_000  # six pieces


@given(
    st.booleans(),
    st.lists(st.tuples(st.sampled_from(["read", "seek"]), st.integers(0, len(TEXT) + 5_000)), max_size=12),
)
def test_reading_forwards_gives_what_the_stream_itself_gives(thread, steps):
    with Forward(io.BytesIO(TEXT), ahead=thread) as ahead:
        plain = io.BytesIO(TEXT)
        for name, number in steps:
            if name == "read":
                assert ahead.read(number % 400_000) == plain.read(number % 400_000)
            else:
                ahead.seek(number)
                plain.seek(min(number, len(TEXT)))
            assert ahead.tell() == plain.tell()
        assert ahead.read() == plain.read()


class Broken(io.BytesIO):
    """A stream that cannot be read beyond its middle, but once."""

    failed = False

    def read(self, size: int = -1) -> bytes:
        if self.tell() > len(TEXT) // 2 and not self.failed:
            self.failed = True
            raise OSError("damaged")
        return super().read(size)


def test_an_error_stays_where_it_is_until_the_stream_is_read_anew():
    with Forward(Broken(TEXT), ahead=True) as ahead:
        for _ in range(2):
            with pytest.raises(OSError, match="damaged"):
                ahead.read()
        ahead.seek(0)
        assert ahead.read() == TEXT


def test_a_window_ends_where_it_should_and_says_when_its_stream_ends_before():
    with Forward(io.BytesIO(TEXT)) as ahead:
        assert Window(ahead, 300, 700_000).read() == TEXT[300:700_300]
        last = Window(ahead, len(TEXT) - 10, 20)
        assert last.read(20) == TEXT[-10:]
        with pytest.raises(EOFError, match="ends within this file"):
            last.read(20)
