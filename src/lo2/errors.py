"""Every error raised on purpose, each with the exit code it ends the program with.

A class also inherits the built-in it refines, so that callers can catch either. Only ``lo2.cli.main`` turns one
into a sentence and an exit code; anything else that is raised is a bug and keeps its traceback.
"""


class Lo2Error(Exception):
    """Base of all errors raised on purpose; ``exit_code`` is what the command line ends with."""

    exit_code = 1


class RunFailedError(Lo2Error, RuntimeError):
    """The run could not do all it was asked to (exit 1); what it finished is kept."""


class ArtefactExistsError(Lo2Error, FileExistsError):
    """Writing would replace a different artefact, and nobody asked for that (exit 1)."""


class UsageError(Lo2Error, ValueError):
    """An option or a name that does not exist or does not fit the others (exit 2)."""

    exit_code = 2


class CheckFailedError(Lo2Error, AssertionError):
    """A check found problems: a missing or changed artefact, a leak, drift beyond its limit (exit 3)."""

    exit_code = 3


class InputError(Lo2Error, ValueError):
    """Input that cannot be read or does not suffice (exit 4)."""

    exit_code = 4


class InputNotFoundError(InputError, FileNotFoundError):
    """A root, file or column set that is not there (exit 4)."""


class SchemaError(InputError, TypeError):
    """A table whose columns or types are not those expected (exit 4)."""


class TooFewError(InputError):
    """Fewer runs, sequences or tokens than the method needs (exit 4)."""


class UnreachableBudgetError(TooFewError):
    """An alert budget too small for the number of hold-out normals (exit 4)."""


class MissingExtraError(InputError, ImportError):
    """An optional library that is not installed; the message names the extra (exit 4)."""


class LockedError(Lo2Error, BlockingIOError):
    """Another run holds the lock of this result root (exit 5)."""

    exit_code = 5


class UntrustedBundleError(Lo2Error, ValueError):
    """A bundle or archive that is tampered with or names what it must not (exit 6)."""

    exit_code = 6
