"""Which code ran and when: the git commit of the lo2 source tree, the time or ``SOURCE_DATE_EPOCH``, as a stamp."""

import os
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import lo2

LOGS, SIMULATED, TABLE = "logs", "simulated", "table"


@cache
def git_commit() -> tuple[str | None, str | None]:
    """Commit of the checkout that runs (``+dirty`` marked), or None with the reason.

    Examples
    --------
    >>> commit, why = git_commit()
    >>> (commit is None) == (why is not None)
    True
    """
    top = Path(lo2.__file__).resolve().parents[2]
    if not (top / "pyproject.toml").is_file() or not (top / ".git").exists():
        return None, "installed without its git checkout"
    try:
        commit = _git_output(top, "rev-parse", "HEAD").strip()
        dirty = _git_output(top, "status", "--porcelain", "--untracked-files=no").strip()
    except (OSError, subprocess.CalledProcessError):
        return None, "git did not answer for the source tree"
    return commit + ("+dirty" if dirty else ""), None


def _git_output(top: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(top), *arguments], capture_output=True, text=True, check=True, timeout=30)
    return done.stdout


@dataclass(frozen=True)
class CodeStamp:
    """What names and cards say of when, by which code and from what something was made."""

    generated_at: str
    git_commit: str | None
    git_commit_why: str | None = None
    source: str = LOGS

    @classmethod
    def stamp_now(cls, source: str = LOGS) -> "CodeStamp":
        """Stamp of this moment, this code, and data of this kind."""
        return cls(code_stamp_time().isoformat().replace("+00:00", "Z"), *git_commit(), source)


def code_stamp_time() -> datetime:
    """Time that names and cards carry, UTC: ``SOURCE_DATE_EPOCH`` where set, else today, so that a day repeats."""
    return source_date_epoch() or datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def source_date_epoch() -> datetime | None:
    """The time that ``SOURCE_DATE_EPOCH`` names, where it does."""
    seconds = os.environ.get("SOURCE_DATE_EPOCH", "")
    return datetime.fromtimestamp(int(seconds), UTC) if seconds.isdigit() else None
