"""What to load, and how: the flags of ``lo2 load`` and ``lo2 run``, checked and resolved."""

from dataclasses import dataclass, replace
from pathlib import Path

from lo2.errors import UsageError
from lo2.loading.times.time_spans import moment_ms, span_ms
from lo2.masking.user_patterns import user_pattern_pass
from lo2.options import Ranged, option

NORMAL = "correct"
UNLABELLED = "*"
PROFILES = ("auto", "lo2", "tree")


@dataclass(frozen=True)
class SaveOptions:
    """Which further tables a load writes."""

    save_base_sequences: bool = option(False, "Also write lo2_sequences.parquet (the joined raw text)")
    save_events: bool = option(False, "Also write lo2_events.parquet (one row per raw event)")


@dataclass(frozen=True)
class LoadOptions(Ranged):
    """What to load, and how; flags of ``lo2 load`` and ``lo2 run``."""

    runs: int | None = option(None, "Only the first N runs by start time", more=True, least=1)
    errors_per_run: int | None = option(
        None, "Only N error cases per run, drawn by the seed; the normal case stays", more=True, least=0
    )
    service_types: tuple[str, ...] = option((), "Only these services", more=True)
    test_cases: tuple[str, ...] = option((), "Only these test cases; the normal case stays", more=True)
    profile: str = option("auto", "`lo2`, `tree` for logs of other services, or `auto`: told from the files", more=True)
    normal: str | None = option(None, "Name of the normal test case (default correct); `*`: all are normal")
    unlabelled: bool = option(False, "No log has a label: all count as normal", more=True)
    labels: str | None = option(None, "CSV file of labels: seq_id or run, and label")
    layout: str | None = option(None, "Where runs, cases and services are: '{run}/{case}/{service}.log', * and **")
    keep_startup: bool = option(
        False, "Keep start-up and lazy-config lines in the features (they leak the test order)", more=True
    )
    skip_bad_files: bool = option(False, "Accept unreadable files: list them and exit 0", more=True)
    seed: int = option(0, "Seed of the draw of error cases", more=True, least=0)
    log_format: tuple[str, ...] = option(
        (),
        "Name of a format or a pattern with groups time, level, logger, thread, message; SERVICE= in front for one",
        whole=True,
    )
    expected_format: tuple[str, ...] = option(
        (), "Formats that are tried first: SERVICE=NAME (STAMP), as a load said them", whole=True, more=True
    )
    time_format: str = option("", "How the group `time` of such a pattern reads, in strptime's letters", more=True)
    variable: tuple[str, ...] = option(
        (), "Further values in messages: the group `value` of a pattern, or all of it", whole=True
    )
    redact: tuple[str, ...] = option(
        (), "A team's own secrets: a pattern, or a file of patterns, one a line", whole=True
    )
    no_redact: bool = option(False, "Leave known secrets in (recorded; lo2 pack refuses what comes of it)", more=True)
    group_by: str = option(
        "", "One sequence per key instead of per log: a pattern of the key (block, request, correlation id)"
    )
    window: str = option("", "One sequence per span of time, such as 15m or 1h")
    since: str = option("", "Only events from this time on (UTC)")
    until: str = option("", "Only events before this time (UTC)")
    year: int | None = option(None, "Year of the first event where stamps lack it", more=True, least=1, most=9999)


def resolved_load_options(options: LoadOptions, profile: str, normal: str) -> LoadOptions:
    """Options as they are recorded: what was found by looking, and patterns instead of the file that holds them."""
    redact: list[str] = []
    for text in options.redact:
        if Path(text).is_file():
            lines = Path(text).read_text(encoding="utf-8", errors="replace").splitlines()
            redact += [line for line in lines if line.strip() and not line.startswith("#")]
        else:
            redact.append(text)
    chosen = replace(options, profile=profile, normal=normal, redact=tuple(redact))
    for pattern in (*chosen.variable, *chosen.redact):
        user_pattern_pass(pattern)
    return chosen


def check_load_options(options: LoadOptions) -> None:
    """Refuse what cannot be meant, before anything is read."""
    if options.log_format:
        from lo2.loading.formats.user_formats import (
            given_format,  # the tables of formats are not for those who load LO2
        )

        given_format("", options.log_format, options.time_format)
    for name in ("since", "until"):
        if getattr(options, name):
            moment_ms(f"--{name}", getattr(options, name))
    if options.window:
        span_ms(options.window)
    if options.group_by:
        _check_load_grouping(options.group_by)
    if options.profile not in PROFILES:
        raise UsageError(f"--profile {options.profile!r} does not exist. Choices: {', '.join(PROFILES)}")
    if options.unlabelled and options.normal not in (None, UNLABELLED):
        raise UsageError(f"--unlabelled and --normal {options.normal!r} contradict each other. Give one")
    if options.labels is not None and (options.unlabelled or options.normal == UNLABELLED):
        raise UsageError("--labels and --unlabelled contradict each other. Give one")
    if options.normal == "":
        raise UsageError("--normal is empty, perhaps a variable that is not set. Expected the name of a test case")


def _check_load_grouping(pattern: str) -> None:
    try:
        user_pattern_pass(pattern)
    except UsageError as error:
        raise UsageError(f"--group-by: {error}") from error
