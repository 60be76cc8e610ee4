"""``diff``: good and bad logs read, paired by service, compared, less what is ignored; findings with original lines."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from lo2.arguments import as_path, options_as_given, sign_with_options
from lo2.diff.baseline import Baseline
from lo2.diff.comparison import Comparison, Target, compare_with_baseline
from lo2.diff.counted import Counted
from lo2.diff.ignored import Ignored, leave_out_ignored
from lo2.diff.novelty import NONZERO
from lo2.errors import InputError, UsageError
from lo2.features.messages import Messages
from lo2.loading.grouping import Grouped, group_into_sequences
from lo2.masking.masks import Masking, Pass
from lo2.pipeline.diff_sides import Pairing, Side, diff_sides
from lo2.pipeline.options import DiffOptions
from lo2.pipeline.originals import Originals
from lo2.pipeline.shards import read_shard_logs, shard_grouping, shard_masks

_FAILING = "failed|failures?|errors?|unreachable|fatal|crashed|lost"
_SOME = (
    Pass.of_pattern(rf"\b((?i:{_FAILING})[=:] ?)[1-9]\d{{0,8}}\b", f"${{1}}{NONZERO}"),
    Pass.of_pattern(rf"(^|[\s,;(])[1-9]\d{{0,8}}( (?i:{_FAILING})(?:[\s,;.)]|\Z))", f"${{1}}{NONZERO}${{2}}"),
)
"""Whether there is any failure is no value that a mask may hide: ``failed=0`` and ``failed=2`` are two messages."""
_COUNTED = rf"\b(?i:{_FAILING})[=:] ?[0-9]|[0-9] (?i:{_FAILING})"
"""Texts in which it may depend on the digits whether there is any."""


@sign_with_options(DiffOptions)
def diff(
    good: str | Path | Sequence[str | Path],
    bad: str | Path | Sequence[str | Path],
    options: DiffOptions | None = None,
    **fields: Any,
) -> Comparison:
    """Which lines of bad logs are unusual against good ones.

    Parameters
    ----------
    good, bad : path or sequence of paths
        Each a file, a folder, an archive, a glob pattern, or ``-``; good ones may be saved baselines.
    options : DiffOptions, optional
        How they are read and compared.
    **fields
        Fields of ``DiffOptions`` by name, in its place.

    Returns
    -------
    Comparison
        ``findings`` in order, with ``file``, ``line``, ``kind``, ``reason``, ``text``.

    Raises
    ------
    UsageError
        If an option does not exist; the message lists those there are.
    InputError
        If one cannot be read, or no service of the two has a partner.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "good.log").write_text("opening the shop\\nserving a cart\\n" * 5)
    >>> _ = (folder / "bad.log").write_text("opening the shop\\ndatabase connection refused\\n")
    >>> found = diff(folder / "good.log", folder / "bad.log")
    >>> [(one.line, one.kind, one.text) for one in found.findings]
    [(2, 'new', 'database connection refused')]
    """
    wanted = options_as_given(DiffOptions, options, fields, what="diff()", example="lo2.diff(good, bad, context=2)")
    return diff_run(_diff_argument_paths(good, "good"), _diff_argument_paths(bad, "bad"), wanted)[0]


def _diff_argument_paths(paths: str | Path | Sequence[str | Path], side: str) -> list[str]:
    several = paths if isinstance(paths, list | tuple) else [paths]
    return [str(as_path(path, what=f"A {side} log of diff()")) for path in several]


def diff_run(good: Sequence[str], bad: Sequence[str], options: DiffOptions) -> tuple[Comparison, Baseline]:
    """The comparison, and what the good logs hold, to be saved.

    Raises
    ------
    UsageError
        If a side is missing.
    InputError
        If a side cannot be read, or nothing pairs.
    """
    if not good or not bad:
        raise UsageError("diff needs good logs and a bad one. Example: lo2 diff good.log bad.log")
    ignored = _diff_without_ignored(options.ignore_file)
    good_sides, saved = diff_sides(good, options.load_options, baseline=True)
    bad_sides, _ = diff_sides(bad, options.load_options, baseline=False)
    reader = _SideReader(options, bad_sides[0].redact)
    pairing = Pairing.pair_sides(good_sides, bad_sides, saved)
    baseline = Baseline(masks=reader.masks.masks_version)
    for one in saved:
        if one.masks != baseline.masks:
            reader.notes.append(
                f"{one.paths[0][0] if one.paths else 'the saved baseline'} was made with other masks: save it anew"
            )
        baseline.join_baseline(one)
    for side in good_sides:
        logs = reader.read_side(side, pairing)
        baseline.add_good_run(logs, reader.messages.texts)
        baseline.paths.append((side.path, sum(len(log.messages) for log in logs)))
    targets = [Target(side.path, tuple(reader.read_side(side, pairing))) for side in bad_sides]
    if not any(one.logs for one in targets) or not sum(lines for _, lines in baseline.paths):
        why = f": {reader.bad[0][0]} cannot be read ({reader.bad[0][1]})" if reader.bad else ""
        raise InputError(f"nothing can be compared, the {'good' if targets else 'bad'} logs hold no line{why}")
    found = compare_with_baseline(baseline, targets, reader.messages.texts)
    if not found.services:
        theirs = ", ".join(sorted(baseline.services)[:8])
        mine = ", ".join(sorted({log.service for target in targets for log in target.logs})[:8])
        raise InputError(
            f"no service has a partner. Good: {theirs}. Bad: {mine}. Name one file on each side to pair them"
        )
    found = replace(
        found, notes=tuple(dict.fromkeys(reader.notes)), left_out=_files_diff_left_out([*good_sides, *bad_sides])
    )
    found = leave_out_ignored(replace(found, bad_files=tuple(reader.bad)), ignored)
    originals = Originals(bad_sides, context=options.context, no_redact=options.no_redact)
    return replace(found, findings=tuple(originals.fill_originals(found.findings))), baseline


def _diff_without_ignored(path: Path | None) -> Ignored:
    if path is None:
        return Ignored()
    from lo2.pipeline.ignore_file import read_ignore_file  # YAML is not read without need

    return read_ignore_file(path, diff_day())


def _files_diff_left_out(both: Sequence[Side]) -> tuple[tuple[str, int], ...]:
    """Files that were not read, by reason."""
    counts: Counter[str] = Counter()
    for side in both:
        counts.update(side.left_out)
    return tuple(sorted(counts.items()))


class _SideReader:
    """Reads sides into one dictionary of messages."""

    def __init__(self, options: DiffOptions, redact: tuple[str, ...]) -> None:
        self.load = replace(options.load_options, redact=redact)
        shared = shard_masks(self.load)
        digits = None if shared.digits is None else f"{shared.digits}|{_COUNTED}"
        self.masks = Masking((*_SOME, *shared.passes), digits=digits)
        self.messages = Messages(self.masks)
        self.notes: list[str] = []
        self.bad: list[tuple[str, str]] = []

    def read_side(self, side: Side, pairing: Pairing) -> list[Counted]:
        """Logs of one side, one per service."""
        read, bad = read_shard_logs(side.files, self.messages, self.load)
        self.bad += [*side.bad, *bad]
        cut = sum(one.truncated_bytes for one in read)
        if cut:
            self.notes.append(f"{side.path}: {cut:,} bytes of overlong lines cut off")
        by_name: dict[str, list[Grouped]] = {}
        for one in group_into_sequences([one.log for one in read], shard_grouping(self.load)):
            by_name.setdefault(pairing.paired_name(one.parts[0].log.file, one.service), []).append(one)
        return [Counted.from_grouped(name, those) for name, those in sorted(by_name.items())]


def diff_day() -> date:
    """The day by which accepted findings end."""
    return datetime.now(UTC).date()
