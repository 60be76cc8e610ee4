"""Original lines of findings and around them, redacted; each file is read once more, and only where it has any."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from lo2.diff.finding import Finding
from lo2.loading.sources.blocks import Reader
from lo2.loading.sources.files import LogFile
from lo2.masking.masks import Masking
from lo2.masking.profiles import redaction
from lo2.pipeline.diff_sides import Side

LONGEST = 2_000
"""Characters of a line that are kept."""


class Originals:
    """Texts of the findings of some bad runs."""

    def __init__(self, sides: Sequence[Side], *, context: int = 2, no_redact: bool = False) -> None:
        self.context, self.sides = context, sides
        hide = redaction(sides[0].redact) if sides else redaction()
        self.hide: Masking | None = None if no_redact else hide

    def fill_originals(self, findings: Sequence[Finding]) -> list[Finding]:
        """These findings with their original lines."""
        places = [(one, self._original_file(one)) for one in findings]
        wanted: dict[LogFile, set[int]] = {}
        for one, file in places:
            if file is not None:
                wanted.setdefault(file, set()).update(self._original_line_range(one))
        lines = {file: self._read_original_lines(file, numbers) for file, numbers in wanted.items()}
        return [one if file is None else self._with_original_lines(one, lines[file]) for one, file in places]

    def _original_line_range(self, one: Finding) -> range:
        assert one.line is not None
        assert one.end_line is not None
        return range(max(1, one.line - self.context), one.end_line + self.context + 1)

    def _original_file(self, one: Finding) -> LogFile | None:
        files = self.sides[one.target].files if one.file is not None else ()
        return next((file for file in files if file.relative == one.file), None)

    def _read_original_lines(self, file: LogFile, wanted: Iterable[int]) -> dict[int, str]:
        numbers, found, seen = sorted(wanted), {}, 0
        at = 0
        for block in Reader(file):
            count = block.count(b"\n")
            if at < len(numbers) and numbers[at] <= seen + count:
                lines = block.removesuffix(b"\n").split(b"\n")
                while at < len(numbers) and numbers[at] <= seen + len(lines):
                    found[numbers[at]] = self._redacted_original_line(lines[numbers[at] - seen - 1])
                    at += 1
            seen += count
            if at == len(numbers):
                break
        return found

    def _redacted_original_line(self, line: bytes) -> str:
        text = line.removesuffix(b"\r").decode("utf-8", "replace").replace("\0", "�")
        if self.hide is not None:
            text = self.hide.mask_text(text)
        return text if len(text) <= LONGEST else text[:LONGEST] + "…"

    def _with_original_lines(self, one: Finding, lines: dict[int, str]) -> Finding:
        assert one.line is not None
        assert one.end_line is not None
        own = [lines.get(n, "") for n in range(one.line, one.end_line + 1)]
        before = tuple(lines[n] for n in range(one.line - self.context, one.line) if n in lines)
        after = tuple(lines[n] for n in range(one.end_line + 1, one.end_line + 1 + self.context) if n in lines)
        return replace(one, text="\n".join(own), before=before, after=after)
