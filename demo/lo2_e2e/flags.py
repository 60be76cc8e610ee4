"""What the three scripts share: lists separated by blanks or commas, and handing over to the command line of lo2."""

import argparse
import sys
from collections.abc import Sequence

from lo2.cli.main import run


def parser(text: str, command: str) -> argparse.ArgumentParser:
    """Parser that says which ``lo2`` command does the work."""
    return argparse.ArgumentParser(
        description=text,
        epilog=f"Every other flag of `lo2 {command}` is taken as well; see `lo2 {command} --help`.",
        allow_abbrev=False,
    )


def listed(values: Sequence[str]) -> str:
    """Values given as ``a b``, ``a,b`` or both, separated by commas.

    >>> listed(["code", "token,refresh-token"])
    'code,token,refresh-token'
    """
    return ",".join(word for value in values for word in value.replace(",", " ").split())


def lo2(*arguments: object) -> None:
    """Run a ``lo2`` command; where it fails, end with its exit code."""
    code = run([str(argument) for argument in arguments if argument is not None])
    if code:
        sys.exit(code)
