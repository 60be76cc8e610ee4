"""Gzip as the standard library reads it: the same bytes, or an error for the same reason."""

import gzip
import io
import random
import zipfile
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lo2.loading.sources import inflate
from lo2.loading.sources.blocks import UNREADABLE
from lo2.loading.sources.compression import decompressed_stream
from lo2.loading.sources.inflate import Deflated, Gzip
from lo2.loading.sources.members import open_member, release

BODY = b"".join(b"line %d of a log\n" % (i * i) for i in range(40_000))
ONE, OTHER = gzip.compress(BODY, mtime=0), gzip.compress(b"another\n", mtime=0)
PATTERN = random.Random(1).randbytes(5 << 20) * 2
LONG = gzip.compress(PATTERN[: 5 << 20] * 9, 1)
FLIPPED = bytearray(ONE)
FLIPPED[-6] ^= 1
STREAMS = {
    "one": ONE,
    "two": ONE + OTHER,
    "empty member first": gzip.compress(b"") + ONE,
    "zeros between and behind": ONE + bytes(70_000) + OTHER + bytes(3),
    "nothing": b"",
    "one byte": b"\x1f",
    "no gzip": b"plain text\n",
    "zeros before": b"\0" + ONE,
    "text behind": ONE + b"text",
    "one byte behind": ONE + b"\x1f",
    "cut": ONE[:-9],
    "cut in its checksum": ONE[:-3],
    "cut header": ONE[:5],
    "damaged checksum": bytes(FLIPPED),
    "damaged": ONE[:2000] + b"\xff" * 40 + ONE[2040:],
    "other method": b"\x1f\x8b\x07" + ONE[3:],
}


@pytest.fixture(params=["zlib", "zlib_ng.zlib_ng"], autouse=True)
def library(request, monkeypatch):
    monkeypatch.setattr(inflate, "library", pytest.importorskip(request.param))


def read(stream) -> bytes | str:
    with stream:
        try:
            return b"".join(iter(lambda: stream.read(50_000), b""))
        except UNREADABLE:
            return "damaged"


@pytest.mark.parametrize("name", STREAMS)
def test_gzip_is_read_as_the_standard_library_reads_it(name):
    packed = STREAMS[name]
    assert read(decompressed_stream(io.BytesIO(packed), "a.gz")) == read(gzip.GzipFile(fileobj=io.BytesIO(packed)))


def test_gzip_is_read_from_any_place():
    with decompressed_stream(io.BytesIO(ONE + OTHER), "a.log.gz") as stream:
        for place in (500_000, 10, len(BODY) + 3, 0):
            stream.seek(place)
            assert stream.read(6) == (BODY + b"another\n")[place : place + 6]
            assert stream.tell() == place + 6 if place < len(BODY) else True


class Counted(io.BytesIO):
    """A file that tells how much of it was read."""

    given = 0

    def read(self, size: int = -1) -> bytes:
        found = super().read(size)
        self.given += len(found)
        return found


@given(st.lists(st.integers(0, 40_000_000), max_size=8))
@settings(max_examples=20)
def test_a_long_gzip_file_is_entered_near_the_place_that_was_asked_for(places):
    stream = Gzip(Counted(LONG))
    stream.seek(40_000_000)
    for place in places:
        stream._raw.given = 0
        start = stream.back(place)
        assert place - (10 << 20) < start <= place
        assert stream.seek(place) == place
        found = stream.read(9)
        assert found
        assert PATTERN[place % len(PATTERN) :].startswith(found)  # a read may give fewer bytes
        assert stream._raw.given <= len(LONG) // 3


def zipped(path, *, size=0, flip=0, cut=0):
    """A zip of one deflated member, its directory not as it was made."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.log", BODY)
    data = bytearray(path.read_bytes())
    entry = data.rindex(b"PK\x01\x02")
    length = int.from_bytes(data[entry + 20 : entry + 24], "little")
    data[entry + 20 : entry + 24] = (length - cut).to_bytes(4, "little")
    data[entry + 24 : entry + 28] = (len(BODY) + size).to_bytes(4, "little")
    data[entry + 16] ^= flip
    path.write_bytes(data)


@pytest.mark.parametrize("changes", [{}, {"size": -5}, {"size": 7}, {"flip": 1}, {"cut": 9}, {"cut": 10**4}])
def test_a_member_of_a_zip_is_read_as_the_standard_library_reads_it(tmp_path, changes):
    path = tmp_path / "a.zip"
    zipped(path, **changes)
    with zipfile.ZipFile(path) as archive:
        expected = read(archive.open("a.log"))
    assert read(open_member(str(path), "a.log", -1, len(BODY))) == expected
    assert (expected == BODY) == (changes in ({}, {"size": 7}))
    release()


def test_a_member_of_a_zip_is_read_from_any_place():
    packed = zlib.compress(BODY, wbits=-15)
    stream = Deflated(io.BytesIO(packed), len(BODY), zlib.crc32(BODY), "a.log")
    for place in (500_000, 10, 0):
        assert stream.seek(place) == place
        assert stream.read(6) == BODY[place : place + 6]
        assert stream.tell() == place + 6
