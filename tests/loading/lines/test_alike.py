"""Lines that differ in digits alone: one stands for all of them only if their masked messages are equal."""

import json
import random
import re
from functools import partial

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lo2.features.messages import Messages, masked_messages
from lo2.loading.formats.recognition import Use
from lo2.loading.inventory import LoadOptions, take_inventory
from lo2.loading.lines.alike import Alike
from lo2.loading.lines.kept_digits import digits_to_keep, kept_digit_expression
from lo2.loading.lines.parser import Uses
from lo2.masking.digits import any_digit
from lo2.masking.profiles import PROFILES, SECRETS, profile_masking
from lo2.pipeline import shards

TREE = profile_masking("tree")
PLAIN = Use("plain", "plain")
ROWS = {**PROFILES["tree"], **SECRETS}
EXAMPLES = sorted({text for row in ROWS.values() for text, _ in row.examples})
PIECES = (
    " ", "=", ":", "/", '"', "'", "-", ".", "_", "%", "HTTP/", "http/2 ", "status ", "exit code ", "ORA-", "0", "17", "404",
    "2024", "123456", "utf", "log4j", "TLSv1.", "V", "abc", "Pay", "x", "password=", "%3D", "\\u003d", "&#34;", "é", "\x1f",
    "X11", "Win64; x64", "TLSv1.2", "SHA256", "log4j2", "ext4 ", "Pool$Factory$1.run", "4111 1111 1111 1111", "msg=", "level=30 ", "n1=7 ",
    "deadbeef", "cart", "UTF-8", "x86_64", "IPv4", "ipv6", "UTF", "v4", "10.0.0.7", "blk_", "[", "]", "(", ")", "ms", "errno",
)  # fmt: skip


def with_digits(text: str, rng: random.Random) -> str:
    return re.sub("[0-9]", lambda _: str(rng.randrange(10)), text)


def check(texts: list[str], use: Use = PLAIN, alike: Alike | None = None) -> int:
    """How many bodies stand for these, whose messages must be theirs."""
    assert TREE.digits is not None
    alike, uses = alike or Alike(partial(masked_messages, masking=TREE), TREE.digits), Uses()
    bodies = list(dict.fromkeys(bytes([uses.mark(use)]) + text.encode() for text in texts))
    some, which = alike.alike_lines(bodies, uses)
    message = masked_messages(some, TREE)
    assert [message[i] for i in which.tolist()] == masked_messages([uses.canonical_body(body) for body in bodies], TREE)
    assert list(dict.fromkeys(which.tolist())) == list(range(len(some)))
    return len(some)


def check_twice(text: str, seed: int, use: Use = PLAIN) -> None:
    """A text with other digits, one lot after the other: what the first taught is asked again."""
    assert TREE.digits is not None
    rng, alike = random.Random(seed), Alike(partial(masked_messages, masking=TREE), TREE.digits)
    for _ in range(3):
        check([text, *(with_digits(text, rng) for _ in range(9))], use, alike)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=9).map("".join), st.integers(0, 99))
@example('GET /cart/17 HTTP/1.1" 502 50312', 1)
@example("SQLSTATE 40001 at Pay2Order", 2)
@example("ipv6 17, TLSv1.2 X11 x64", 3)
def test_a_body_stands_only_for_bodies_of_the_same_message(text, seed):
    check_twice(text, seed)


KEYS = (
    "level",
    "msg",
    "code",
    "status",
    "n1",
    "n2",
    "time_iso8601",
    "severity",
    "logger",
    "http2",
    "error",
    "user",
    "log.level",
    "s",
)
STRINGS = st.lists(st.sampled_from([piece for piece in PIECES if piece.isprintable()]), max_size=4).map("".join)
VALUES = st.recursive(
    st.one_of(
        STRINGS, st.integers(-5, 10**6), st.floats(-1e9, 1e9), st.booleans(), st.none(), st.sampled_from([1e22, 2.5e-7])
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS), inner, max_size=3)),
    max_leaves=4,
)
RECORDS = st.dictionaries(st.sampled_from(KEYS), VALUES, min_size=1, max_size=5)


@settings(max_examples=60, deadline=None)
@given(RECORDS, st.booleans(), st.integers(0, 99))
@example({"level": 30, "msg": "took 17 ms", "code": 404}, True, 1)
@example({"n1": 1, "n2": 2}, True, 1)
@example({"msg": "caf\u00e9 5", "s": 4}, True, 1)
def test_json_lines_that_differ_in_digits_stand_only_for_their_like(record, ascii_only, seed):
    check_twice(json.dumps(record, ensure_ascii=ascii_only), seed, Use("json", "json"))


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(st.sampled_from(KEYS), STRINGS | st.integers(0, 9999), min_size=1, max_size=5), st.integers(0, 99)
)
@example({"level": 30, "msg": "took 17 ms", "n1": 1, "n2": 2}, 1)
def test_logfmt_lines_that_differ_in_digits_stand_only_for_their_like(record, seed):
    text = " ".join(f"{key}={json.dumps(value) if isinstance(value, str) else value}" for key, value in record.items())
    check_twice(text, seed, Use("logfmt", "logfmt"))


def test_a_word_in_which_much_is_named_keeps_all_its_digits():
    assert TREE.digits is not None
    places = digits_to_keep(b"*" + b"%41" * 1_000 + b" 7", "text", TREE.digits)
    assert places is not None
    assert places.size == 2_000


def test_digits_that_tell_stay_and_the_others_do_not_count():
    agent = '10.0.0.{} - - "GET /{} HTTP/1.1" {} {} "Mozilla/5.0 (X11; Linux x86_64)"'
    lines = [agent.format(100 + i % 99, 100 + i, (200, 404)[i % 2], 1000 + i) for i in range(300)]
    assert check(lines) == 2
    assert check([f"TLSv1.{i % 4} of {i}" for i in range(100, 400)]) == 4
    records = [f'{{"level": {(30, 50)[i % 2]}, "msg": "took {i} ms", "code": 404, "n1": {i}}}' for i in range(100, 400)]
    assert check(records, Use("json", "json")) == 2
    pairs = [f'level={(30, 50)[i % 2]} msg="took {i} ms" n1={i}' for i in range(100, 400)]
    assert check(pairs, Use("logfmt", "logfmt")) == 2
    assert check([f'{{"msg": "took {i:03} ms", "n": 0{i}}}' for i in range(100)], Use("json", "json")) == 100


@pytest.mark.parametrize("text", EXAMPLES)
def test_examples_of_masks_with_other_digits_keep_their_messages(text):
    rng = random.Random(3)
    check([text, *(with_digits(text, rng) for _ in range(12))])


def test_lines_of_many_digits_become_one_and_a_status_stays_apart():
    assert check([f"order {i} of {i * 7 % 1000} took {i % 97} ms" for i in range(400)]) < 30
    statuses = [f'GET /cart/{i:03} HTTP/1.1" {(200, 404)[i % 2]} {i:04}' for i in range(400)]
    assert check(statuses) == 2


def test_names_and_loggers_keep_their_digits_and_the_others_do_not_count():
    assert check([f"order {i} of IPv4, charset=UTF-8, x86_64" for i in range(100, 400)]) == 1
    use = Use("level name dash", "text", "start", "iso")
    assert check([f" INFO a.ml2.B - took {i} ms, UTF-8" for i in range(100, 400)], use) == 1
    assert check([f" INFO a.ml2.B - a.ml{i % 10}.B took {i} ms" for i in range(100, 400)], use) == 1
    assert check([f" INFO a.ml{i % 10}.B - took {i} ms" for i in range(100, 400)], use) == 10
    assert check([f" INFO a.ml2.B - exit code {i}" for i in range(100, 400)], use) == 300


def test_a_header_that_tells_by_digits_is_left_alone():
    use = Use("syslog priority", "text", "priority", "syslog")
    assert not use.blind
    assert check([f"<{i}>\x1e web pay: up" for i in range(100, 150)], use) == 50


def test_what_a_row_finds_depends_on_digits_only_where_it_names_one():
    assert any_digit(r"\bid=[0-9a-f]{8}\x1f\d+") == r"\bid=[0-9a-f]{8}\x1f\d+"
    assert any_digit("utf8|[3-5]x") == "utf[0-9]|[0-93-5]x"
    assert kept_digit_expression(str(profile_masking("tree").digits)).search("bad UTF-8")


def test_an_access_log_is_loaded_the_same_with_and_without(tmp_path, monkeypatch):
    rng = random.Random(5)
    log = tmp_path / "r1" / "correct" / "web.log"
    log.parent.mkdir(parents=True)
    line = '10.0.{}.{} - - [05/Mar/2024:09:{:02}:{:02} +0000] "GET /cart/{} HTTP/1.{}" {} {}\n'
    log.write_text(
        "".join(
            line.format(
                i % 9, i % 200, i // 60 % 60, i % 60, rng.randrange(1000), i % 2, rng.choice((200, 404, 502)), i
            )
            for i in range(3_000)
        )
    )
    inventory = take_inventory(tmp_path, LoadOptions())
    folded: list[int] = []
    fold = Messages.fold_bodies
    monkeypatch.setattr(Messages, "fold_bodies", lambda self, bodies: folded.append(len(bodies)) or fold(self, bodies))
    short = shards.load_shard(inventory.shards[0], inventory.options)
    monkeypatch.setattr(shards, "_shard_alike", lambda masking: None)
    plain = shards.load_shard(inventory.shards[0], inventory.options)
    assert short.sequences.equals(plain.sequences)
    assert short.facts() == plain.facts()
    assert folded[0] * 4 < folded[1]


def test_no_bodies_are_no_numbers():
    some, which = Alike(list, "").alike_lines([], Uses())
    assert (some, which.tolist()) == ([], [])
