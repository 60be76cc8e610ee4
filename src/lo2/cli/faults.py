"""Faults of the surroundings as sentences: full disks, missing rights, names that no system holds, closed pipes.

A class of ``lo2.errors`` says itself what is wrong. The rest comes from the system or a library: what is known here
becomes a sentence and an exit code, what is not is a bug and keeps its traceback.
"""

import errno
import os
from dataclasses import dataclass

from lo2.errors import Lo2Error

_ADVICE = {
    errno.ENOSPC: "The disk is full. Free some space or choose another --output-dir; what was finished is kept",
    errno.EDQUOT: "Your share of the disk is used up. Free some space or choose another --output-dir",
    errno.EFBIG: "The file grew beyond what this system allows. Choose another --output-dir",
    errno.EROFS: "The disk is read-only. Choose another --output-dir",
    errno.EACCES: "You have no right to do that there. Choose another folder, or ask for it",
    errno.EPERM: "You have no right to do that there. Choose another folder, or ask for it",
    errno.ENAMETOOLONG: "The name is longer than this system allows. Choose a shorter one",
    errno.ENOTDIR: "A file stands where a folder should be. Choose another folder",
    errno.EISDIR: "A folder stands where a file should be. Choose another name",
    errno.EEXIST: "A file stands where a folder should be. Choose another folder",
    errno.ENOENT: "It is not there, or its folder was deleted. Look at the path, or change to a folder that exists",
    errno.ELOOP: "The links lead in a circle. Name the place they should lead to",
    errno.EMFILE: "Too many files are open. Try fewer --jobs",
    errno.ENOMEM: "The memory does not suffice. Try fewer --jobs, or --max-ram",
    errno.EIO: "The disk cannot be read or written there. Look at it, or choose another folder",
    errno.ESTALE: "The network disk lost it. Try again",
    errno.ENOTEMPTY: "Somebody else writes there. Try again when they have finished",
    errno.ENXIO: "It is a pipe or a device, no file. Name a file",
    errno.EINVAL: "The system does not take this name or file. Choose another",
    errno.ETXTBSY: "It is in use. Try again",
}
# What can only be a matter of what was named, not of the machine.
_INPUT = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENXIO}
_POLARS = ("ComputeError", "PanicException", "NoDataError", "ShapeError", "SchemaError", "InvalidOperationError")


@dataclass(frozen=True)
class Fault:
    """What is said, and the exit code."""

    text: str
    exit_code: int = 1


def fault(error: BaseException) -> Fault | None:
    """Sentence and exit code for an exception; None where it is a bug.

    Examples
    --------
    >>> fault(OSError(errno.ENOSPC, "No space left on device", "out/a.parquet"))
    Fault(text='out/a.parquet: No space left on device. The disk is full. Free some space or choose another \
--output-dir; what was finished is kept', exit_code=1)
    >>> fault(ZeroDivisionError()) is None
    True
    """
    if isinstance(error, Lo2Error):
        return Fault(str(error), error.exit_code)
    if isinstance(error, UnicodeEncodeError):
        part = error.object[max(0, error.start - 20) : error.end + 20]
        return Fault(f"{part!a} holds characters that {error.encoding} cannot write. Rename what is called so", 4)
    if isinstance(error, UnicodeDecodeError):
        return Fault(f"Some text is not {error.encoding} ({error.reason} at byte {error.start}). Convert the file", 4)
    if isinstance(error, OSError):
        return _system_error_fault(error)
    if isinstance(error, MemoryError):
        return Fault("The memory does not suffice. Try fewer --jobs, --max-ram, or fewer --runs")
    if isinstance(error, NotImplementedError) and str(error):
        return Fault(f"{error}. An archive is packed in a way that is not supported: pack it anew", 4)
    if type(error).__module__.partition(".")[0] in ("polars", "pyo3_runtime") and type(error).__name__ in _POLARS:
        return _table_error_fault(error)
    if isinstance(error, ValueError) and "embedded null" in str(error):
        return Fault("A name holds a NUL character, which no system allows. Choose another", 2)
    return None


def _system_error_fault(error: OSError) -> Fault | None:
    name = " to ".join(os.fsdecode(part) for part in (error.filename, error.filename2) if isinstance(part, str | bytes))
    number = error.errno
    if number is None:
        # Polars says it in words.
        number = next((code for code in _ADVICE if f"(os error {code})" in str(error)), None)
    text = error.strerror or " ".join(str(error).split())[:300]
    advice = _ADVICE.get(number or 0, "The system refused it")
    if name and number == errno.ENOENT and len(os.fsencode(name)) >= 4096:
        advice = "The name is longer than this system allows. Choose a shorter one"
    return Fault(f"{name + ': ' if name else ''}{text}. {advice}", 4 if number in _INPUT else 1)


def _table_error_fault(error: BaseException) -> Fault:
    text = " ".join(str(error).split())[:300]
    again = "Make it again: lo2 restore --all, or run its phase again"
    return Fault(f"A table cannot be read or written ({text}). {again}", 4)
