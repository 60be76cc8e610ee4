"""Lines that differ in digits alone: one stands for all of them only if their masked messages are equal."""

import random
import re
from functools import partial

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lo2.features.messages import Messages, masked
from lo2.loading.alike import Alike
from lo2.loading.inventory import LoadOptions, take_inventory
from lo2.loading.recognise import Use
from lo2.loading.steps import Uses
from lo2.masking.digits import any_digit
from lo2.masking.profiles import PROFILES, SECRETS, masking
from lo2.pipeline import shards

TREE = masking("tree")
PLAIN = Use("plain", "plain")
ROWS = {**PROFILES["tree"], **SECRETS}
EXAMPLES = sorted({text for row in ROWS.values() for text, _ in row.examples})
PIECES = (
    " ", "=", ":", "/", '"', "'", "-", ".", "_", "%", "HTTP/", "http/2 ", "status ", "exit code ", "ORA-", "0", "17", "404",
    "2024", "123456", "utf", "log4j", "TLSv1.", "V", "abc", "Pay", "x", "password=", "%3D", "\\u003d", "&#34;", "é", "\x1f",
    "deadbeef", "cart", "UTF-8", "x86_64", "IPv4", "ipv6", "UTF", "v4", "10.0.0.7", "blk_", "[", "]", "(", ")", "ms", "errno",
)  # fmt: skip


def with_digits(text: str, rng: random.Random) -> str:
    return re.sub("[0-9]", lambda _: str(rng.randrange(10)), text)


def check(texts: list[str], use: Use = PLAIN) -> int:
    """How many bodies stand for these, whose messages must be theirs."""
    assert TREE.digits is not None
    alike, uses = Alike(partial(masked, masking=TREE), TREE.digits), Uses()
    bodies = list(dict.fromkeys(bytes([uses.mark(use)]) + text.encode() for text in texts))
    some, which = alike.lines(bodies, uses)
    message = masked(some, TREE)
    assert [message[i] for i in which.tolist()] == masked([uses.canonical(body) for body in bodies], TREE)
    assert list(dict.fromkeys(which.tolist())) == list(range(len(some)))
    return len(some)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=9).map("".join), st.integers(0, 99))
@example('GET /cart/17 HTTP/1.1" 502 50312', 1)
@example("SQLSTATE 40001 at Pay2Order", 2)
def test_a_body_stands_only_for_bodies_of_the_same_message(text, seed):
    rng = random.Random(seed)
    check([with_digits(text, rng) for _ in range(12)] + [text])


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
    assert re.search(str(masking("tree").digits).replace("(?-u:\\b)", r"\b").replace("(?i-u:", "(?i:"), "bad UTF-8")


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
    fold = Messages.fold
    monkeypatch.setattr(Messages, "fold", lambda self, bodies: folded.append(len(bodies)) or fold(self, bodies))
    short = shards.load_shard(inventory.shards[0], inventory.options)
    monkeypatch.setattr(shards, "_alike", lambda masking: None)
    plain = shards.load_shard(inventory.shards[0], inventory.options)
    assert short.sequences.equals(plain.sequences)
    assert short.facts() == plain.facts()
    assert folded[0] * 4 < folded[1]


def test_no_bodies_are_no_numbers():
    some, which = Alike(list, "").lines([], Uses())
    assert (some, which.tolist()) == ([], [])
