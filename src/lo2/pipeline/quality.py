"""The quality report: what a load read, skipped and replaced, summed part by part in bounded memory."""

from collections import Counter
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from lo2.loading.inventory import Inventory
from lo2.loading.times.clock import clock_start
from lo2.pipeline.understood import Understood, add_understood

_SUMS = ("sequences", "lines", "bad_files", "replaced_bytes", "truncated_bytes", "empty_files", "coarse_messages")


@dataclass
class LoadSums:
    """Running sums over the parts, in their order."""

    files: int = 0
    size_bytes: int = 0
    lines: int = 0
    unknown: int = 0
    coarse_messages: int = 0
    first_unknown: dict[str, str] | None = None
    bad_files: list[tuple[str, str]] = field(default_factory=list)
    replaced_bytes: dict[str, int] = field(default_factory=dict)
    truncated_bytes: dict[str, int] = field(default_factory=dict)
    empty_files: list[str] = field(default_factory=list)
    templates: dict[str, str] = field(default_factory=dict)
    sequences: int = 0
    understood: dict[str, Understood] = field(default_factory=dict)
    modified_ms: dict[str, int] = field(default_factory=dict)
    _digest: Any = field(default_factory=sha256)

    def add_to_quality(self, facts: dict[str, Any]) -> None:
        """Add one part: its ``files``, ``bad_files``, ``templates`` and ``coarse_messages``."""
        for one in facts["files"]:
            name = one["file"]
            self._digest.update(f"{name}\t{one['size_bytes']}\t{one['crc32']:08x}\n".encode())
            self.files += 1
            self.size_bytes += one["size_bytes"]
            self.lines += one["lines"]
            for key in ("replaced_bytes", "truncated_bytes"):
                if one[key]:
                    getattr(self, key)[name] = one[key]
            if "modified_ms" in one:
                self.modified_ms[name] = one["modified_ms"]
            if not one["lines"]:
                self.empty_files.append(name)
            if one["unknown_header"]:
                self.unknown += 1
                self.first_unknown = self.first_unknown or {"file": name, "line": one["unknown_header"]}
        self.bad_files += [(name, why) for name, why in facts["bad_files"]]
        self.templates.update(facts["templates"])
        self.coarse_messages += facts["coarse_messages"]
        self.sequences += facts["sequences"]
        add_understood(facts["files"], self.understood)
        for service, names in facts["service_templates"].items():
            self.understood.setdefault(service, Understood()).templates.update(names)

    @property
    def input_fingerprint(self) -> str:
        """Hash of what was read: names, sizes and checksums of all files."""
        return str(self._digest.hexdigest())

    def report(self, inventory: Inventory) -> dict[str, Any]:
        """The quality report; its file lists hold only what has something to say."""
        lo2 = inventory.profile == "lo2"
        return {
            "runs": len(inventory.shards),
            "files": self.files + len(self.bad_files),
            "bytes": self.size_bytes,
            "notes": list(inventory.notes),
            **{name: getattr(inventory, name) for name in ("profile", "normal", "left_out", "left_out_examples")},
            **{name: getattr(self, name) for name in _SUMS},
            "unknown_headers": {"files": self.unknown, "first": self.first_unknown},
            "undated_runs": sum(clock_start(s.run) == float("inf") for s in inventory.shards) if lo2 else 0,
            "understood": [row.row(service) for service, row in sorted(self.understood.items())],
            "services": dict(sorted(Counter(f.service for f in inventory.files).items())),
            "test_cases": len({f.test_case for f in inventory.files}),
        }
