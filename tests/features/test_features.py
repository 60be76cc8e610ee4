import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lo2.features.bags import Occurrences, bags
from lo2.features.messages import Messages
from lo2.loading.inventory import LoadOptions, take_inventory
from lo2.masking.profiles import PROFILES, mask, profile_masking
from lo2.pipeline.shards import load_shard
from lo2.simulate.options import SimulateOptions
from lo2.simulate.tree import simulate
from naive import naive_sequence

SURVIVORS = [
    "UNSUPPORTED_GRANT_TYPE",
    "CODE_VERIFIER_TOO_LONG",
    "Oauth2TokenPostHandler",
    "Oauth2ClientPutHandler",
    "ProxyPreparedStatement",
    "SQLIntegrityConstraintViolationException",
    "VALIDATOR_REQUEST_PARAMETER_QUERY_MISSING",
    "loadJsonMapConfigWithSpecificConfigLoader",
    "AAAAAA",
    "nouser",
    "none",
    "not_a_client_id",
    "not_service_id",
    "invalid_client_id",
    "no_id",
]
CONTEXTS = (
    "{}",
    '"{}"',
    '"message":"{}"',
    "com.x.{0}.y({0}.java:456)",
    "Load:{}",
    "path = /oauth2/client/{}",
    "Client {} is not found.",
)


@pytest.mark.parametrize("word", SURVIVORS)
@pytest.mark.parametrize("context", CONTEXTS)
def test_words_that_carry_the_signal_survive_the_mask(word, context):
    text = context.format(word)
    assert mask(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('validate( "Basic Zjc1MjllN2UtYWNlMC00ZTM2LWFl==", x)', 'validate( "Basic <*>", x)'),
        ('"Bearer incorrect_token"', '"Bearer incorrect_token"'),
        ("code = keNUio1dQP-rs6SyE15iUw redirectUri", "code = <*> redirectUri"),
        ("authorization?code=-eNUio1dQP-rs6SyE15iUw", "authorization?code=<*>"),
        ("Load:66c2c2bd", "Load:<*>"),
        ("Delete:21a21337-63ee-4726-8ae5-9012a7a14644", "Delete:<*>"),
        ("path = /oauth2/user/66c2c2bd, base", "path = /oauth2/user/<*>, base"),
        ("Client id 21a21337-63ee-4726-8ae5-9012a7a14644 exists.", "Client id <*> exists."),
        ("Service id 66c2c2bd exists.", "Service id <*> exists."),
        ('validate( "66c2c2bd", "66c2c2bd", userId)', 'validate( "<*>", "<*>", userId)'),
        ("Mechanism@756fad98 for", "Mechanism@<*> for"),
        ('"firstName":"96bce40c-3e1e-41df-ac31-34e16e0a"', '"firstName":"<*>"'),
        ('"password":"hunter2","x":1', '"password":"<*>","x":1'),
        ("codeVerifier = " + "a" * 150 + '"', 'codeVerifier = <*>"'),
        ("codeChallenge = \u00c4\u00c4\u00c4", "codeChallenge = <*>"),
        ("SEVERE: [172.24.0.7]:5701 [dev] [3.12]", "SEVERE: [<*>]:5701 [dev] [3.12]"),
        ("Jun 28, 2024 4:31:11 PM com.hazelcast.x", "<*> com.hazelcast.x"),
        ('{"statusCode":404,"code":"ERR12014"}', '{"statusCode":404,"code":"ERR12014"}'),
        ("Handler.java:2019)", "Handler.java:2019)"),
    ],
)
def test_ids_go_and_their_context_stays(text, expected):
    assert mask(text) == expected


PIECES = st.sampled_from(
    ["code = ", "?code=", "Load:", "/", '"', "@", "Basic ", "Bearer ", "id ", " ", ",", "-", "96bce40c-3e1e-41df-ac31-34e16e0a46b8",
     "66c2c2bd", "keNUio1dQP-rs6SyE15iUw", "12345678", "eyJa.b.c", "172.24.0.7", "codeVerifier = ", '"email":"', "\u00e4", "x", "validate( ",
     "96bce40c-3e1e-41df-ac31-34e16e0a", "0xdeadbeef", "2025-01-01T00:00:00Z", "100 ms", "abcdefab12345678abcd",
     "\u0661\u0662\u0663\u0664\u0665", "12345", "\u00a0", "Password ", " and", "\ufffd", "\u017f", "\u212a"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=12).map("".join), st.sampled_from(sorted(PROFILES)))
def test_bulk_masking_equals_the_slow_twin(text, profile):
    assert profile_masking(profile).mask_texts(pl.Series([text])).item() == mask(text, profile=profile)
    messages = Messages(profile)
    ids, _ = messages.fold_bodies([text.encode()])
    assert messages.texts[ids[0]] == mask(text, profile=profile)


def test_messages_are_numbered_by_first_appearance_across_folds():
    messages = Messages()
    first, _ = messages.fold_bodies([b"a", b"b", b"a"])
    second, _ = messages.fold_bodies([b"c", b"b"])
    assert (first.tolist(), second.tolist(), messages.texts) == ([0, 1, 0], [2, 1], ["a", "b", "c"])


def test_no_message_is_swallowed_however_many_came_before_it():
    line = b"upstream certificate of pay has expired, giving up"
    alphabet = "abcdefghijklmnop"
    pages = ["".join(alphabet[n >> shift & 15] for shift in (12, 8, 4, 0)) for n in range(30_000)]
    bodies = [f"fetched page {page}".encode() for page in pages]
    messages = Messages("tree")
    numbers, _ = messages.fold_bodies([*bodies[:29_000], line, *bodies[29_000:]])
    assert messages.texts[numbers[29_000]] == line.decode()
    assert messages.beyond_limit == 30_001 - messages.limit
    assert "certificate" in {word for text in messages.texts for word in text.split()}


def test_access_lines_are_few_messages_however_many_there_are():
    lines = [f'10.0.{n % 256}.1 - - "GET /shop/p{n} HTTP/1.1" 200 {n}'.encode() for n in range(30_000)]
    messages = Messages("tree")
    messages.fold_bodies([*lines[:29_000], b"upstream certificate of pay has expired, giving up", *lines[29_000:]])
    assert messages.texts == [
        '<*> - - "GET <*> HTTP/1.1" 200 <*>',
        "upstream certificate of pay has expired, giving up",
    ]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.integers(0, 6), max_size=30), min_size=1, max_size=6))
def test_bags_equal_counting_line_by_line(sequences):
    texts = ["a b", "b b c", "", "c", "d a", "e e e", "a"]
    found = bags(Occurrences.from_message_numbers([np.array(s, np.uint32) for s in sequences]), texts, str.split)
    for row, lines in zip(found.rows(), sequences, strict=True):
        expected: dict[str, int] = {}
        for line in lines:
            for token in texts[line].split():
                expected[token] = expected.get(token, 0) + 1
        assert row == (list(expected), list(expected.values()))


def test_a_simulated_run_equals_the_slow_twin(tmp_path):
    simulate(tmp_path, SimulateOptions(runs=1, errors_per_run=4, scale=0.02, seed=3))
    shard = take_inventory(tmp_path, LoadOptions()).shards[0]
    by_id = {f.seq_id: f for f in shard.files}
    frame = load_shard(shard, LoadOptions()).sequences
    assert frame.height == 35
    for row in frame.iter_rows(named=True):
        twin = naive_sequence(tmp_path / by_id[row["seq_id"]].relative)
        times = twin.pop("times")
        if times:
            assert row["duration_sec"] == pytest.approx(((max(times) - min(times)) % 86_400_000) / 1000)
        assert {name: row[name] for name in twin} == twin
        assert row["e_words_total"] == sum(row["e_words_count"])
        assert row["e_words_len"] == len(row["e_words"])
