from hypothesis import given
from hypothesis import strategies as st

from lo2.loading.clock import run_start
from lo2.loading.identity import escaped, printable, sequence_id

NAMES = st.text(st.sampled_from("_%25Fa\udcff"), min_size=1, max_size=6) | st.binary(min_size=1, max_size=6).map(
    lambda data: data.decode("utf-8", "surrogateescape")
)
PARTS = st.tuples(NAMES, NAMES, NAMES, st.sampled_from([0, 2, 3]))


@given(PARTS, PARTS)
def test_distinct_names_have_distinct_ids(one, other):
    ids = [sequence_id(*map(printable, parts[:3]), parts[3]) for parts in (one, other)]
    assert (ids[0] == ids[1]) == (one == other)


@given(NAMES)
def test_a_part_is_text_that_can_be_told_from_its_neighbours(name):
    part = escaped(printable(name))
    part.encode()
    assert "__" not in part
    assert not part.startswith("_")
    assert not part.endswith("_")


@given(st.from_regex(r"[A-Za-z0-9.-]+(_[A-Za-z0-9.-]+)*", fullmatch=True))
def test_plain_names_stay_as_they_are(name):
    assert escaped(printable(name)) == name


def test_runs_are_ordered_by_the_epoch_or_date_in_their_name():
    names = ["LO2_run_1700000000", "nightly-2023-11-15", "20231116", "run_2023-11-16T08:30", "1700200000", "a"]
    assert sorted([names[i] for i in (3, 5, 0, 4, 2, 1)], key=run_start) == names
