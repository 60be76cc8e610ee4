"""The nearest normal sequence, against a naive twin, and what differs from it."""

import math

import polars as pl
import pytest

from lo2.errors import UsageError
from lo2.explain.contrast import ContrastSide, contrast
from lo2.explain.neighbours import NO_NORMAL, NO_TOKENS, SCHEMA, neighbours
from lo2.explain.options import ExplainOptions


def frame(**rows: dict) -> pl.DataFrame:
    """Sequences from seq_id -> counts by word; service and duration under ``_service`` and ``_sec``."""
    made = []
    for seq_id, words in rows.items():
        bag = {word: n for word, n in words.items() if not word.startswith("_")}
        made.append(
            {
                "seq_id": seq_id, "service": words.get("_service", "token"), "duration_sec": words.get("_sec", 10.0),
                "seq_len": sum(bag.values()), "e_words": list(bag), "e_words_count": list(bag.values()),
            }
        )  # fmt: skip
    types = {"e_words": pl.List(pl.String), "e_words_count": pl.List(pl.UInt32), "duration_sec": pl.Float64}
    return pl.DataFrame(made, schema_overrides=types)


def naive_similarity(a: dict, b: dict, normals: list[dict]) -> float:
    def weigh(bag):
        known = {w for one in normals for w in one}
        merged = {}
        for word, n in bag.items():
            merged[word if word in known else ""] = merged.get(word if word in known else "", 0) + n
        df = {w: sum(w in one for one in normals) for w in merged}
        return {w: n * (math.log((1 + len(normals)) / (1 + df[w])) + 1) for w, n in merged.items()}

    u, v = weigh(a), weigh(b)
    norm = math.sqrt(sum(x * x for x in u.values())) * math.sqrt(sum(x * x for x in v.values()))
    return sum(u[w] * v.get(w, 0.0) for w in u) / norm


def test_similarity_agrees_with_a_naive_twin():
    bags = [{"a": 5, "b": 1}, {"a": 1, "c": 4}, {"b": 2, "c": 2}]
    here = {"a": 2, "c": 3, "new": 2}
    found = neighbours(frame(x=here), frame(n0=bags[0], n1=bags[1], n2=bags[2]), options=ExplainOptions(nn_top_k=3))
    assert found["normal_seq_id"].to_list() == ["n1", "n2", "n0"]
    exact = [naive_similarity(here, bags[i], bags) for i in (1, 2, 0)]
    assert found["similarity"].to_list() == pytest.approx(exact, abs=1e-8)
    assert found["rank"].to_list() == [1, 2, 3]
    assert found.schema == pl.Schema(SCHEMA)


def test_neighbours_are_of_the_same_service():
    normals = frame(n0={"a": 1, "_service": "code"}, n1={"b": 1, "a": 1})
    assert neighbours(frame(x={"a": 1}), normals)["normal_seq_id"].to_list() == ["n1"]


def test_a_sequence_is_never_its_own_neighbour():
    normals = frame(n0={"a": 1, "b": 1}, n1={"a": 1})
    assert neighbours(normals, normals)["normal_seq_id"].to_list() == ["n1", "n0"]


def test_among_equals_the_similar_duration_wins_then_the_name():
    normals = frame(n0={"a": 9, "_sec": 90.0}, n1={"a": 2, "_sec": 20.0}, n2={"a": 2, "_sec": 20.0})
    found = neighbours(frame(x={"a": 2, "_sec": 19.0}), normals, options=ExplainOptions(nn_top_k=3))
    assert found["normal_seq_id"].to_list() == ["n1", "n2", "n0"]


def test_without_known_tokens_it_says_so():
    found = neighbours(frame(x={"new": 3}, y={}), frame(n0={"a": 1}))
    assert found["normal_seq_id"].to_list() == [None, None]
    assert found["missing"].to_list() == [NO_TOKENS, NO_TOKENS]


def test_without_a_normal_of_the_service_it_says_so():
    found = neighbours(frame(x={"a": 3}), frame(n0={"a": 1, "_service": "code"}))
    assert found["missing"].to_list() == [NO_NORMAL]
    assert neighbours(frame(x={"a": 3}), frame(n0={"a": 1}).clear())["missing"].to_list() == [NO_NORMAL]


def test_batches_give_the_same_as_one_batch(world, monkeypatch):
    from lo2.models import products as module

    normals = world.filter(~pl.col("anomaly"))
    whole = neighbours(world, normals)
    monkeypatch.setattr(module, "CELLS", 3 * normals.height)
    assert neighbours(world, normals).equals(whole)


def shown(differences):
    return tuple(map(str, differences))


def test_contrast_compares_rates_not_raw_counts():
    normal = ContrastSide({"a": 100, "b": 100}, {}, None, 200)
    longer = ContrastSide({"a": 1000, "b": 1000}, {}, None, 2000)
    assert contrast(longer, normal, limit=5).extra == ()
    shifted = contrast(ContrastSide({"a": 1900, "b": 100}, {}, None, 2000), normal, limit=5)
    assert shown(shifted.missing) == ("b (0.5 -> 0.05)",)


def test_contrast_names_templates_by_their_text_and_their_words_once():
    here = ContrastSide({"ERROR": 2, "boom": 2, "frame": 4}, {"t1": 2}, None, 10)
    found = contrast(here, ContrastSide({}, {}, None, 10), limit=5, texts={"t1": "ERROR boom"})
    assert shown(found.extra) == ("ERROR boom (0 -> 0.2)", "frame (0 -> 0.4)")


def test_divergence_is_the_first_event_that_differs():
    texts = {"00000001": "up", "00000002": "down"}
    a, b = ContrastSide({}, {}, [1, 1, 2], 3), ContrastSide({}, {}, [1, 2], 2)
    assert contrast(a, b, limit=1, texts=texts).diverges_at == "2: up | normal: down"
    assert (
        contrast(a, ContrastSide({}, {}, [1, 1], 2), limit=1, texts=texts).diverges_at == "3: down | normal: end of log"
    )
    assert contrast(a, a, limit=1, texts=texts).diverges_at == ""


def test_world_fault_is_extra(world, texts):
    hit = world.filter(pl.col("anomaly")).head(1)
    found = neighbours(hit, world.filter(~pl.col("anomaly")), texts=texts)
    assert "ERR12014" in found["extra"][0]
    assert found["normal_seq_id"][0].endswith(f"correct__{hit['service'][0]}")


@pytest.mark.parametrize("wrong", [{"nn_top_k": 0}, {"nn_source": "test"}, {"shap_sample": -1}])
def test_impossible_options_are_refused(wrong):
    with pytest.raises(UsageError, match="--"):
        ExplainOptions(**wrong)
