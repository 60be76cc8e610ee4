"""The verdict: one headline, a few plain sentences, and what was found."""

from dataclasses import replace

from lo2.evaluation.conclusion import conclude
from lo2.evaluation.figures import Bar, Card, Cell, Counts, Panel

COUNTS = Counts("if", True, 24, 9, 6, 1, 8, 3, 3, 1, 1, 1)


def bar(name: str, auc: float, *, kind: str = "detector", clears: bool | None = None, low: float | None = None) -> Bar:
    return Bar(name, kind, auc, auc - 0.05 if low is None else low, min(auc + 0.05, 1.0), clears, auc < 0.3)


def panel(service: str, *bars: Bar) -> Panel:
    return Panel(service, bars)


def test_an_honest_a_mixed_and_a_leaking_run_tell_different_stories() -> None:
    length = bar("seq_len", 0.6, kind="shortcut")
    good = conclude([panel("", bar("knn_words", 0.97, clears=True), length)], [], COUNTS)
    assert (good.tone, good.headline[:12]) == ("good", "`knn_words` ")
    mixed = conclude(
        [panel("", bar("knn_words", 0.97, clears=True), bar("if", 0.55, clears=False), length)], [], COUNTS
    )
    assert mixed.tone == "mixed"
    assert (
        mixed.headline
        == "`knn_words` beats every shortcut (AUC 0.97; the best of them, file length, 0.60); `if` does not."
    )
    bad = conclude([panel("", bar("if", 0.55, clears=False), length)], [], COUNTS)
    assert (bad.tone, bad.headline) == (
        "bad",
        "No detector beats the best shortcut (file length, AUC 0.60): the best, `if`, has an AUC of 0.55.",
    )
    few = conclude([panel("", replace(bar("if", 1.0, clears=False), low=None, high=None), length)], [], COUNTS)
    assert few.tone == "unknown"
    assert few.headline.startswith("Too few test runs to tell whether a detector beats the best shortcut (file length")
    leak = conclude([panel("", bar("if", 0.99, clears=True), bar("duration_sec", 0.98, kind="shortcut"))], [], COUNTS)
    assert leak.tone == "leak"
    assert "the duration alone reaches an AUC of 0.98" in leak.headline


def test_the_verdict_names_the_services_on_which_the_shortcuts_are_beaten() -> None:
    merged = panel("", bar("if", 0.8, clears=True), bar("seq_len", 0.6, kind="shortcut"))
    key = panel("key", bar("if", 0.62, clears=False), bar("seq_len", 0.64, kind="shortcut"))
    user = panel("user", bar("if", 0.52, clears=False), bar("seq_len", 0.4, kind="shortcut"))
    token = panel("token", bar("if", 0.95, clears=True), bar("seq_len", 0.6, kind="shortcut"))
    sentence = conclude([merged, key, token, user], [], COUNTS).sentences[0]
    assert sentence.endswith("beats the shortcuts on 1 of 3 services: `token`.")
    nowhere = conclude([merged, key, user], [], COUNTS).sentences[0]
    assert nowhere.endswith(
        "over all services together; within one alone, of 2 with fewer logs each, its lead may be chance."
    )
    lost = conclude([panel("", bar("if", 0.5)), key, user], [], COUNTS).sentences[0]
    assert lost.endswith("beats the shortcuts neither over all services nor within one of the 2.")


def test_figures_of_traced_rows_say_what_they_leave_out() -> None:
    detectable = replace(panel("", bar("if", 0.9, clears=True)), detectable=True)
    sentences = conclude([detectable, panel("", bar("if", 0.55, clears=False))], [], COUNTS).sentences
    assert "over all test logs, silent ones included, `if` has an AUC of 0.55" in sentences[-1]


def test_a_ranking_the_wrong_way_round_is_said() -> None:
    assert any(
        "wrong way round" in one for one in conclude([panel("", bar("if", 0.1, clears=False))], [], COUNTS).sentences
    )


def test_only_faults_silent_in_every_log_count_as_traceless() -> None:
    quiet, loud = Cell(3, False, 0.0, 0.5, 0.4, 0.6), Cell(3, True, 1.0, 1.0, 0.9, 1.0)
    card = Card(
        "if",
        ("key", "token"),
        (("silent", (quiet, quiet)), ("heard", (quiet, loud)), ("unknown", (quiet, replace(quiet, signal=None)))),
    )
    *_, found, silent, unknown = conclude([panel("", bar("if", 0.8, clears=True))], [card], COUNTS).sentences
    assert found.startswith("Of 1 faults with a trace in some log, `if` finds 1:")
    assert silent == "The logs hold no trace of `silent`: nothing can find it there."
    assert unknown == "There are too few sequences to tell whether the logs hold a trace of `unknown`."
