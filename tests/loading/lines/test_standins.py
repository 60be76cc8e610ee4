"""Stand-ins must never change a masked line, and must make simulated lines equal."""

import re

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lo2.loading.lines.index import Index
from lo2.loading.lines.scan import scan_blocks
from lo2.loading.lines.standins import put_stand_ins
from lo2.masking.profiles import PROFILES, mask, profile_masking

UUID, CUT, DIGITS = (
    "96bce40c-3e1e-41df-ac31-34e16e0a46b8",
    "96bce40c-3e1e-41df-ac31-34e16e0a",
    "12345678-1234-1234-1234-123456789012",
)
CONTEXTS = ["code = ", "?code=", "Load:", " Load:", " Delete:", "/", '"', '":"', "@", "Basic ", "Bearer ", "id ", "Id ", " ", ",", "-", ":", "=", ".", "\n", "(", ")", "validate( ", 'validate( "', '", "', '", code_challenge)', "codeVerifier = ", '"email":"', "Password ", " and ", "eyJa.", "T", "+01:", "2025-01-01T00:00:", "Jun 28, 2024 4:31:1", "0x", "\u00e4", "x", "abc", "5", "\x00", "\r"]  # fmt: skip
IDS = [UUID, CUT, DIGITS, DIGITS[:32], "66c2c2bd", "12345678", "deadbeef", "abcdefab12345678", "1234567", "UNSUPPORTED_GRANT_TYPE", "keNUio1dQP-rs6SyE15iUw", "Zjc1MjllN2UtYWNlMC00ZTM2LWFl", "a" * 43]  # fmt: skip


def masked(text: str, profile: str) -> list[str]:
    return [mask(line, profile=profile) for line in text.split("\n")]


@settings(max_examples=1500, deadline=None)
@given(st.lists(st.sampled_from([*CONTEXTS, *IDS]), max_size=14).map("".join), st.sampled_from(sorted(PROFILES)))
@example("Basic Zjc1MjllN2UtYWNlMC00/" + UUID, "lo2")
@example("Service id " + UUID + " exists", "lo2")
@example("code = ab-" + UUID, "lo2")
@example('"66c2c2bd"66c2c2bd"', "lo2")
@example("Password " + UUID + "?code=", "tree")
@example("Password /" + "deadbeef" + UUID[8:] + "?code=", "tree")
@example("Password /66c2c2bd?code=", "tree")
@example("Bearer keNUio1dQP-rs6SyE15iLoad:66c2c2bd ", "lo2")
@example(" 2025-01-01T00:00:00+01:" + DIGITS, "lo2")
def test_masked_lines_stay_as_they_are(text, profile):
    block = (text + "\n").encode()
    changed = put_stand_ins(block)
    assert len(changed) == len(block)
    assert masked(changed.decode(), profile) == masked(block.decode(), profile)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_only_hexadecimal_digits_change(block):
    for before, after in zip(block, put_stand_ins(block), strict=True):
        assert before == after or (before in b"0123456789abcdef" and after in b"a1")


@pytest.mark.parametrize("number", [UUID, CUT, "66c2c2bd"])
@pytest.mark.parametrize(
    "context", ["path = /oauth2/client/{}, base", "store - Store:{}\n", 'validate( "{}", "x")', '{{"id":"{}"}}']
)
def test_lines_that_differ_in_an_id_become_one(number, context):
    other = re.sub("[0-9]", "3", number)
    first, second = (put_stand_ins((context.format(one) + "\n").encode()) for one in (number, other))
    assert first == second


def test_events_keep_their_raw_text():
    index = Index()
    scan_blocks([b"16:29:40.148 [t]   DEBUG a b - Load:66c2c2bd\n"], index)
    assert list(index) == [b"DEBUG a b - Load:66c2c2bd"]


def test_credentials_beyond_reach_keep_the_id_behind_them():
    text = "Basic " + "A" * 5000 + "/" + UUID + "\n"
    assert masked(put_stand_ins(text.encode()).decode(), "lo2") == masked(text, "lo2")


CODE, CHALLENGE, BASIC = "keNUio1dQP-rs6SyE15iUw", "HnMKm_zxB5-vxNCkoJTzkfUwkvTmq4CC15ww2vz90Go", "YWRtaW46MTIzNDU2YWJj"
ANNOUNCED = ["?code=", "&code=", " code = ", "code = ", '"Basic ', "Basic ", "DEBUG com.networknt.schema.TypeValidator debug - ", 'validate( "', '", "', '", code_challenge)', "=", "==", "-", "_", "+", "/", "Password ", " and", " is", "is/", " are", '"password":"', "'", "user name '", "codeVerifier = ", "Bearer ", "eyJa.b.", "@b.cd", CODE, CODE[:21] + "-", CODE[1:], CODE + "x", CHALLENGE, CHALLENGE[1:], BASIC, "and/" + BASIC, "A" * 15, "0123456789abcdef", "12345"]  # fmt: skip


@settings(max_examples=1500, deadline=None)
@given(st.lists(st.sampled_from([*ANNOUNCED, *CONTEXTS]), max_size=14).map("".join))
@example(f'Password abcdefg"Basic is/{BASIC}')
@example(f'"password":"x DEBUG com.networknt.schema.TypeValidator debug - validate( "{CHALLENGE}", "{CHALLENGE}"')
@example(f"Bearer {'A' * 20}code = {CODE}")
@example(f" code = {CODE[:21]}- x")
@example(f"codeVerifier = code = {CODE}")
def test_short_cuts_change_no_masked_line(text):
    shorter = profile_masking("lo2").shorten_texts(pl.Series([text])).item()
    assert mask(shorter) == mask(text)


@pytest.mark.parametrize(
    ("context", "value"),
    [
        ("redirectUri = http://localhost:8080/authorization?code={}", CODE),
        ("handleAuthorizationCode - code = {} redirectUri", CODE),
        ('validate( "Basic {0}=", "Basic {0}=", authorization)', BASIC),
        (ANNOUNCED[6] + 'validate( "{0}", "{0}", code_challenge)', CHALLENGE),
    ],
)
def test_lines_that_differ_in_an_announced_id_become_one(context, value):
    texts = pl.Series([context.format(value), context.format(value[::-1])])
    assert profile_masking("lo2").shorten_texts(texts).n_unique() == 1
