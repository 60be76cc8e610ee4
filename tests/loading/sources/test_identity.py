from hypothesis import given, settings
from hypothesis import strategies as st

from lo2.loading.sources.identity import escaped_name, printable_name, sequence_id
from lo2.loading.times.clock import clock_start

FEW = st.text("_a", min_size=1, max_size=4)
NAMES = (
    FEW
    | st.text(st.sampled_from("_%25Fa\udcff"), min_size=1, max_size=6)
    | st.binary(min_size=1, max_size=6).map(lambda data: data.decode("utf-8", "surrogateescape"))
)
PARTS = st.tuples(FEW, FEW, FEW, st.just(0)) | st.tuples(NAMES, NAMES, NAMES, st.sampled_from([0, 2, 3]))


@settings(max_examples=400, deadline=None)
@given(PARTS, PARTS)
def test_distinct_names_have_distinct_ids(one, other):
    ids = [sequence_id(*map(printable_name, parts[:3]), parts[3]) for parts in (one, other)]
    assert (ids[0] == ids[1]) == (one == other)


@settings(max_examples=400, deadline=None)
@given(NAMES)
def test_a_part_is_text_that_can_be_told_from_its_neighbours(name):
    part = escaped_name(printable_name(name))
    part.encode()
    assert "__" not in part
    assert not part.startswith("_")
    assert not part.endswith("_")


@settings(max_examples=400, deadline=None)
@given(st.from_regex(r"[A-Za-z0-9.-]+(_[A-Za-z0-9.-]+)*", fullmatch=True))
def test_plain_names_stay_as_they_are(name):
    assert escaped_name(printable_name(name)) == name


def test_parts_that_differ_only_in_where_they_are_cut_have_distinct_ids():
    triples = {
        ("r_", "_a", "t"),
        ("r", "__a", "t"),
        ("r_", "a", "t"),
        ("r", "_a", "t"),
        ("r__a", "t", "x"),
        ("r", "a__t", "x"),
    }
    assert len({sequence_id(*parts) for parts in triples}) == len(triples)


def test_runs_are_ordered_by_the_epoch_or_date_in_their_name():
    names = ["LO2_run_1700000000", "nightly-2023-11-15", "20231116", "run_2023-11-16T08:30", "1700200000", "a"]
    assert sorted([names[i] for i in (3, 5, 0, 4, 2, 1)], key=clock_start) == names
