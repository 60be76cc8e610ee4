"""Findings from counted messages: what is new, changed, more, gone; several runs; long runs of new lines."""

import numpy as np

from lo2.diff.baseline import Baseline
from lo2.diff.comparison import Comparison, Target, compare_with_baseline
from lo2.diff.counted import Counted
from lo2.diff.ranking import rank_findings
from lo2.loading.times.stamps import NO_TIME


class Texts:
    """Masked messages, numbered as they come."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def log(self, service: str, *lines: str, ms: int | None = None) -> Counted:
        for line in lines:
            if line not in self.texts:
                self.texts.append(line)
        numbers = np.array([self.texts.index(line) for line in lines], np.uint32)
        places = np.arange(len(lines))
        times = np.full(len(lines), NO_TIME) if ms is None else places * ms
        header = np.array([not line.startswith("\n") for line in lines], bool)
        return Counted(
            service,
            numbers,
            header,
            np.zeros(len(lines), np.int32),
            (places + 1).astype(np.int32),
            times,
            (f"{service}.log",),
        )


def compared(good: list[list[Counted]], bad: list[list[Counted]], texts: Texts) -> Comparison:
    baseline = Baseline()
    for number, logs in enumerate(good):
        baseline.add_good_run(logs, texts.texts)
        baseline.paths.append((f"good{number}", sum(len(log.messages) for log in logs)))
    return compare_with_baseline(baseline, [Target(f"bad{i}", tuple(logs)) for i, logs in enumerate(bad)], texts.texts)


def test_a_message_that_no_baseline_has_is_new_and_says_which_is_nearest():
    t = Texts()
    good = t.log("web", "cart opened", "order <*> was paid by card", "cart closed")
    found = compared([[good]], [[t.log("web", "cart opened", "order <*> was refused by the bank", "cart closed")]], t)
    (one,) = found.findings
    assert (one.kind, one.line, one.end_line, one.nearest) == ("new", 2, 2, "order <*> was paid by card")
    assert "never in 1 baseline; nearest: order <*> was paid by card" in one.reason


def test_a_known_message_with_one_other_word_is_changed():
    t = Texts()
    good = t.log("web", "database connection is healthy", "bye")
    found = compared([[good]], [[t.log("web", "database connection is broken", "bye")]], t)
    (one,) = found.findings
    assert one.kind == "changed"
    assert "'broken' where 1 baseline had 'healthy' alone" in one.reason


def test_another_word_at_a_learnt_position_is_nothing():
    t = Texts()
    names = [t.log("sshd", *(f"Invalid user {name} from <*>" for name in ("root", "oracle", "test", "git", "ftp")))]
    found = compared([names], [[t.log("sshd", "Invalid user kim from <*>", "Invalid user eve from <*>")]], t)
    assert found.findings == ()


def test_capitals_and_results_count_as_words():
    t = Texts()
    good = t.log("ci", "test result: ok. <*> passed; <*> failed", "npm verbose exit 0")
    found = compared([[good]], [[t.log("ci", "test result: FAILED. <*> passed; <*> failed", "npm verbose exit 1")]], t)
    assert [(one.line, one.end_line) for one in found.findings] == [(1, 2)]


def test_touching_lines_are_one_finding_and_a_trace_stays_with_its_event():
    t = Texts()
    good = t.log("web", "up", "serving", "down")
    trace = ("pool exhausted while waiting", "\n  at shop.Pool.take", "\n  at shop.Cart.pay", "\nCaused by: timeout")
    found = compared([[good]], [[t.log("web", "up", *trace, "serving", "other thing happened here", "down")]], t)
    assert [(one.line, one.end_line) for one in found.findings] == [(2, 5), (7, 7)]


def test_the_id_of_a_finding_does_not_depend_on_the_baselines():
    t = Texts()
    bad = t.log("web", "up", "pool exhausted while waiting", "down")
    first = compared([[t.log("web", "up", "down")]], [[bad]], t)
    second = compared([[t.log("web", "up", "down", "pool is fine")], [t.log("web", "down")]], [[bad]], t)
    assert first.findings[0].template == second.findings[0].template


def test_a_silent_service_leads():
    t = Texts()
    good = [t.log("db", "ready", "query"), t.log("web", "up", "down")]
    found = compared([good], [[t.log("web", "up", "something quite unheard of", "down")]], t)
    assert [(one.service, one.kind, one.file) for one in found.findings] == [
        ("db", "gone", None),
        ("web", "new", "web.log"),
    ]
    assert "the service is silent" in found.findings[0].reason


def test_silence_says_something_where_nearly_all_good_runs_speak():
    t = Texts()
    bad = [[t.log("web", "up", "down")]]
    for of, heard, silent in ((3, 2, False), (3, 3, True), (40, 38, True), (40, 37, False)):
        good = [[t.log("web", "up", "down"), *([t.log("job", "tidied")] if i < heard else [])] for i in range(of)]
        assert [one.service for one in compared(good, bad, t).findings] == (["job"] if silent else [])


def test_a_log_that_stops_early_is_one_finding():
    t = Texts()
    words = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa"]
    lines = [f"{word} step is done" for word in words]
    lines = [line.replace(" step", f" {word[::-1]} step") for line, word in zip(lines, words, strict=True)]
    found = compared([[t.log("ci", *lines)]], [[t.log("ci", *lines[:3])]], t)
    (one,) = found.findings
    assert one.kind == "gone"
    assert "stops early" in one.reason
    assert (one.file, one.line, one.end_line) == (None, None, None)


def test_more_and_fewer_need_a_difference_beyond_chance():
    t = Texts()
    good = t.log("web", *["request served"] * 200, *["cache missed"] * 20)
    calm = compared([[good]], [[t.log("web", *["request served"] * 190, *["cache missed"] * 30)]], t)
    assert calm.findings == ()
    wild = compared([[good]], [[t.log("web", *["request served"] * 100, *["cache missed"] * 100)]], t)
    assert [(one.kind, one.count) for one in wild.findings] == [("more", 100)]
    assert wild.findings[0].expected < 30


def test_new_lines_of_one_event_far_apart_are_two_findings():
    t = Texts()
    known = [f"\n  at shop.{word}.take" for word in ("Cart", "Card", "Bank", "Mail", "Order")]
    good = t.log("web", "up", *known)
    near = t.log("web", "up", "\n  by oracle.Pool.call", *known[:2], "\n  by oracle.Wait.lock")
    far = t.log("web", "up", "\n  by oracle.Pool.call", *known, "\n  by oracle.Wait.lock")
    found = compared([[good]], [[near], [far]], t)
    assert [(one.target, one.line, one.end_line) for one in found.findings] == [(0, 2, 5), (1, 2, 2), (1, 8, 8)]


def test_lines_of_a_trace_have_no_rate_of_their_own():
    t = Texts()
    event = ("request served", "\n  at shop.Web.serve")
    found = compared([[t.log("web", *event * 30)]], [[t.log("web", *["request served"] * 30)]], t)
    assert found.findings == ()


def test_a_message_that_was_always_there_and_is_not_is_gone():
    t = Texts()
    runs = [[t.log("web", *["request served", "heartbeat sent"] * 20, "bye")] for _ in range(3)]
    found = compared(runs, [[t.log("web", *["request served"] * 40, "bye")]], t)
    assert [(one.kind, one.template_text) for one in found.findings if one.kind == "gone"] == [
        ("gone", "heartbeat sent")
    ]


def test_a_flood_of_one_shape_is_one_finding():
    t = Texts()
    good = t.log("web", "up", "down")
    words = [f"{a}{b}" for a in "abcdefgh" for b in "klmnopqrst"]
    flood = [f"option {word} is set to default" for word in words]
    found = compared([[good]], [[t.log("web", "up", *flood, "down")]], t)
    (one,) = found.findings
    assert one.n_lines == 1
    assert one.count == 80
    assert "stands for 80 messages" in one.reason


def test_several_bad_runs_say_which_findings_they_share():
    t = Texts()
    good = t.log("web", "up", "down")
    first = t.log("web", "up", "pool exhausted while waiting", "down")
    second = t.log("web", "up", "disk of the node is full", "pool exhausted while waiting", "down")
    found = compared([[good]], [[first], [second]], t)
    assert [runs for _, runs in found.shared] == [(0, 1)]
    assert found.shared[0][0] == found.findings[0].template


def test_findings_of_several_services_come_in_order_of_time():
    t = Texts()
    good = [t.log("a", "up", "down", ms=1000), t.log("b", "up", "down", ms=1000)]
    late = t.log("a", "up", *["down"] * 9, "nobody answered the phone", ms=1000)
    early = t.log("b", "up", "disk of the node is full", "down", ms=1000)
    found = compared([good], [[late, early]], t)
    assert [one.service for one in found.findings] == ["b", "a"]


def test_the_best_lines_come_first_and_long_findings_are_cut():
    t = Texts()
    good = t.log("web", "up", "down")
    filler = [f"{word} was seen here" for word in ["one", "two", "three", "four", "five", "six"]]
    bad = t.log("web", "up", *filler, "ERROR the database refused all connections", "down")
    found = compared([[good]], [[bad]], t)
    first = rank_findings(found.findings, 1)
    assert [(one.line, one.end_line) for one in first] == [(8, 8)]
    assert sum(one.n_lines for one in rank_findings(found.findings, 3)) == 3


def test_equal_input_gives_equal_findings_in_any_order_of_services():
    t = Texts()
    good = [t.log("a", "up"), t.log("b", "up")]
    bad = [t.log("a", "up", "disk is full today"), t.log("b", "up", "disk is full today")]
    assert compared([good], [bad], t).findings == compared([good], [bad[::-1]], t).findings


def test_a_saved_baseline_says_the_same():
    t = Texts()
    baseline = Baseline()
    baseline.add_good_run([t.log("web", "up", "down", ms=2000)], t.texts)
    bad = Target("bad", (t.log("web", "up", "disk is full today", "down"),))
    again = Baseline.read_baseline(baseline.baseline_document())
    assert (
        compare_with_baseline(again, [bad], t.texts).findings
        == compare_with_baseline(baseline, [bad], t.texts).findings
    )
