"""Short cuts in front of the masks of any log: masked text must not change by them."""

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lo2.masking.profiles import PROFILES, SECRETS, profile_masking

TREE = profile_masking("tree")
TOKEN, ADDRESS, DEVICE = "qC7SImk2Teq9Ml3dTK1Avg", "fa:16:3e:1b:a4:b0", "tapfd1cd2a7-f1"
ROWS = {**PROFILES["tree"], **SECRETS}
EXAMPLES = sorted({text for row in ROWS.values() for text, _ in row.examples})
PIECES = (
    TOKEN, f"audit_id={TOKEN}", f"(audit_id={TOKEN}, chain_id={TOKEN})", f"_id={TOKEN[:21]}-", f"_id=s3-{TOKEN[3:]}", "_id=",
    "_id=Abcdefghijk1Lmnopqrstu)", "_id=eyJhbGciOiJIUzI1NiJ9ab)", "_id=ab-sk-abcdefghijklmn12)", "_id=aB1password23456789012",
    "xid=0xcf11b1d,", "=12L)", "exit code=0x1f,", "code=12L,", "status_id=404,n", "_id='r-b1111hs1',", "_id='e-1pinab12',", "=12,",
    "_id=ab-2024-05-02-abcdefgh12)", "_id=aa-bb-cc-dd-ee-ff-12ab)", ADDRESS, "byte_count=1234,", "_sec=12", ",duration_nsec=4567890)", "pin_count=", "status_count=404,n", ",222", "/sys/net/",
    f"/{DEVICE}/", f'"{ADDRESS}"]', f"={ADDRESS},", "-----BEGIN KEY-----", "key=", f"'{ADDRESS}'", f'"{ADDRESS}"', f" {ADDRESS} ", f"Jun  9 {ADDRESS},", "12:34:56:12:34:56", "aa-bb-cc-dd-ee-ff",
    DEVICE, f"'{DEVICE}'", f" {DEVICE} up", f"={DEVICE})", f" {DEVICE[:-2]}12", f" {DEVICE} s", " md5-abcdef12-12", " qg-abcdef12-12",
    " qvbabcdefab-cd", "', '", "', ", ", ", ")", "]", " ", "=", ":", ",", "/", "@", "://", "-", "5", "12", " s", " ms ", " mtu ", " us",
    " May 2024", " Oct 2024", ",345", "pin", "password", "password: ", "token is ", "session ", "session_id=", "user ", " from ",
    "status=", "code ", "-u ", "curl -u ", "mysql -p", "value=", ", value=", "host.com", "\n", "\x1f", "INFO\x1fa.b\x1f", "\u00e4", "<*>",
)  # fmt: skip


def hidden(text: str) -> str:
    return TREE.mask_texts(pl.Series([text])).item()


@settings(max_examples=1500, deadline=None)
@given(st.lists(st.sampled_from([*PIECES, *EXAMPLES]), max_size=9).map("".join))
@example(f"tag ,{DEVICE[:-2]}12,345")
@example(f" {DEVICE[:-2]}12, ms ")
@example(f"'{DEVICE[:-2]}12 May 2024")
@example(f" curl -u {ADDRESS} ")
@example(f"://x={ADDRESS},@h")
@example("laravel_session=rc=0x3d5c203c,a")
@example("glsa_,byte_count=12345,a")
@example("$2b$12$,xid=0x12,")
@example(f"private_key=-----BEGIN KEY-----\\nab\\n {ADDRESS} ")
@example(f"private_key=-----BEGIN KEY-----ab x={ADDRESS},")
@example(f"private_key=-----BEGIN KEY-----ab x={ADDRESS[:-2]}12,345")
@example(f"private_key=-----BEGIN KEY-----ab x={DEVICE[:-2]}be)")
def test_short_cuts_change_no_masked_text(text):
    assert hidden(TREE.shorten_texts(pl.Series([text])).item()) == hidden(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (f"(audit_id={TOKEN}, x)", f"(audit_id={TOKEN[::-1]}, x)"),
        (f"lease '{ADDRESS}' gone", f"lease '{ADDRESS[:9]}ab:01:cd' gone"),
        ("(,n_count=1,x_sec=11)", "(,n_count=11,x_sec=1)"),
        ("(,xid=0xcf11b1d,a,num=12L)", "(,xid=1x1b,a,num=1278L)"),
        ("(_id='r-b1111hs1',x", "(_id='r-zajg1r1n',x"),
        (f"link set {DEVICE} up", "link set tap00000000-00 up"),
    ],
)
def test_texts_that_differ_in_such_an_id_become_one(one, other):
    assert TREE.shorten_texts(pl.Series([one, other])).n_unique() == 1


@pytest.mark.parametrize(
    "token", ["eyJhbGciOiJIUzI1NiJ9ab", "Abcdefghijk1Lmnopqrstu", "aB1password23456789012", "s3-" + TOKEN[3:]]
)
def test_a_token_in_which_a_row_knows_something_stays(token):
    text = f"_id={token})"
    assert TREE.shorten_texts(pl.Series([text])).item() == text


def test_patterns_of_the_user_see_ids_as_they_are():
    assert profile_masking("tree", variables=("audit",)).short_cuts == ()
