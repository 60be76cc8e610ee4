"""Gzip as the standard library reads it: the same bytes, or an error for the same reason."""

import gzip
import io

import pytest

from lo2.loading.compression import ERRORS, unpacked

BODY = b"".join(b"line %d of a log\n" % (i * i) for i in range(40_000))
ONE, OTHER = gzip.compress(BODY, mtime=0), gzip.compress(b"another\n", mtime=0)
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


def read(stream) -> bytes | str:
    with stream:
        try:
            return b"".join(iter(lambda: stream.read(50_000), b""))
        except ERRORS:
            return "damaged"


@pytest.mark.parametrize("name", STREAMS)
def test_gzip_is_read_as_the_standard_library_reads_it(name):
    packed = STREAMS[name]
    assert read(unpacked(io.BytesIO(packed), "a.gz")) == read(gzip.GzipFile(fileobj=io.BytesIO(packed)))


def test_gzip_is_read_from_any_place():
    with unpacked(io.BytesIO(ONE + OTHER), "a.log.gz") as stream:
        for place in (500_000, 10, len(BODY) + 3, 0):
            stream.seek(place)
            assert stream.read(6) == (BODY + b"another\n")[place : place + 6]
            assert stream.tell() == place + 6 if place < len(BODY) else True
