"""Many lines out of their envelopes at once: what each gives by itself."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lo2.loading.formats.envelopes import ENVELOPES
from lo2.loading.formats.unwrapping import Letters, unwrap_docker_lines, unwrap_one_by_one

TEXTS = st.text(st.sampled_from("ab \u00e9\u2028\\\"'\t|[]{}:>/"), max_size=12)
EXAMPLES = [(name, line) for name, row in ENVELOPES.items() for line, _ in row.examples]


def check(name: str, lines: list[bytes]) -> bool:
    """Whether they open at once; then they are what they are one by one."""
    row = ENVELOPES[name]
    found = row.open_all(lines)
    if found is not None:
        texts, whens, services = unwrap_one_by_one(lines, row.open)
        assert found == Letters(texts, whens, services if found.services is not None else None)
        assert found.services is not None or not any(services)
    return found is not None


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(TEXTS, st.booleans(), st.booleans(), st.sampled_from(["\n", "", "\r\n", "\n\n"])),
        min_size=1,
        max_size=5,
    )
)
@example([("a\u00e9", True, False, "\n"), ("\\", False, True, "\n")])
def test_lines_of_docker_open_at_once_like_one_by_one(texts):
    lines = []
    for text, ascii_only, attributes, end in texts:
        record = {
            "log": text + end,
            "stream": "stdout",
            **({"attrs": {"tag": "web"}} if attributes else {}),
            "time": "2024-05-02T08:00:01Z",
        }
        separators = (",", ":") if ascii_only else (", ", ": ")
        lines.append(json.dumps(record, ensure_ascii=ascii_only, separators=separators).encode())
    assert check("container json", lines) or any(end == "" for *_, end in texts)


@pytest.mark.parametrize("text", [b"a\tb", b"a\\qb", b"\xff", b"\\ud800", b"\\"])
def test_what_is_no_json_does_not_open_at_once_as_if_it_were(text):
    check("container json", [b'{"log":"' + text + b'\\n","stream":"stderr","time":"2024-05-02T08:00:01Z"}'] * 3)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(EXAMPLES), st.lists(TEXTS, min_size=1, max_size=5), st.booleans())
def test_lines_of_any_envelope_open_at_once_like_one_by_one(one, texts, torn):
    name, line = one
    lines = [line.encode() + text.encode() for text in texts]
    assert check(name, [*lines, b"another line"] if torn else lines) != torn or name == "container json"


def test_no_lines_and_parts_of_lines_are_left_to_the_slow_way():
    assert unwrap_docker_lines([b'{"log":"a","stream":"stdout","time":"2024-05-02T08:00:01Z"}']) is None
    assert (
        ENVELOPES["cri"].open_all([b"2024-05-02T08:00:01.5Z stdout P a", b"2024-05-02T08:00:01.5Z stdout F b"]) is None
    )
