from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from lo2.loading.sources.files import LeftOut
from lo2.loading.sources.walk import Found, Place
from lo2.loading.spots import lo2_spots, tree_spots

UID = "0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f"
FOLDERS = st.sampled_from(
    [
        "r1",
        "r2",
        "correct",
        "bad",
        "2024",
        "05",
        "02",
        "2024-05-02",
        "pods",
        f"a_web-7d9c6b5f4d-x2x8q_{UID}",
        "ab12" * 16,
    ]
) | st.text(min_size=1, max_size=3)
NAMES = st.sampled_from(
    ["web.log", "web.log.1", "web.err", "0.log", "pods.json", "logs.txt", "1_a.txt", "token.log", "locust.log", "a.png"]
) | st.text(min_size=1, max_size=5)
PATHS = st.lists(st.tuples(st.lists(FOLDERS, max_size=5).map(tuple), NAMES), unique=True, max_size=12)


@settings(deadline=None)
@given(PATHS, st.sampled_from(["correct", "bad", "nowhere"]), st.booleans())
@example([((), "pods.json"), ((), "logs.txt")], "correct", False)
@example([(("r1",), "pods.json"), (("r1",), "logs.txt")], "correct", False)
def test_no_file_is_lost_whatever_the_tree_looks_like(paths, normal, lo2):
    files = [Found(folders, name, 0, 0, offset=0) for folders, name in paths]
    left_out, place = LeftOut(), Place(Path("/nowhere"), "root")
    found = list(lo2_spots(place, files, left_out) if lo2 else tree_spots(place, files, left_out, normal=normal))
    assert len(found) + sum(left_out.counts.values()) == len(files)
    assert all(spot.run and spot.test_case and spot.service for spot in found)
    sorted(found, key=lambda spot: (spot.run, spot.test_case, spot.service, spot.order))  # orders can be compared
