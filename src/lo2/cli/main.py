"""The program ``lo2``: its table of commands, the overview of help, errors as sentences with exit codes."""

import atexit
import gc
import importlib
import os
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

from lo2 import __version__
from lo2.cli.faults import fault
from lo2.cli.hints import hints_with_flags, remember_call
from lo2.cli.interrupt import EXIT_CODE as INTERRUPTED
from lo2.cli.interrupt import Interrupt, leave_at_once
from lo2.cli.streams import guarded_streams
from lo2.errors import UsageError
from lo2.extras import naming_extra
from lo2.registry import lookup


@dataclass(frozen=True)
class Command:
    """Module and function of a command, its line in ``lo2 --help``, and the extra that brings all it needs."""

    target: str
    text: str
    extra: str = ""


COMMANDS: Mapping[str, Command] = {
    "diff": Command("diff:diff", "Which lines of a bad log are unusual against good ones, and why"),
    "run": Command("run:run", "The main job on your logs: load, detect, explain, report, scan", "explain"),
    "score": Command("score:score", "New logs against a saved model: which runs and lines are odd"),
    "report": Command("report:report", "One self-contained HTML page of a run"),
    "demo": Command("demo:demo", "The main job on simulated logs of LO2: no data needed", "explain"),
    "simulate": Command("simulate:simulate", "Write a seeded, realistic LO2 tree"),
    "load": Command("load:load", "Raw logs to the sequence Parquet (phases A to C)"),
    "detect": Command("detect:detect", "Train, threshold, score, evaluate (phases D and E)"),
    "explain": Command("explain:explain", "Why: neighbours, words, lines, plots (phase F)", "explain"),
    "scan": Command("scan:scan", "Expected artefacts: present, missing, stale, changed"),
    "restore": Command("restore:restore", "Make a missing or edited artefact again"),
    "clean": Command("clean:clean", "Retention; a plan unless --apply"),
    "pack": Command("pack:pack", "ZIP of models, metrics, explanations: pseudonymised for known patterns, searched"),
    "unpack": Command("unpack:unpack", "Open such a ZIP after checking it whole"),
    "ledger": Command("ledger:ledger", "The benchmark runs"),
    "compare": Command("compare:compare", "Two of them: what differs, with intervals"),
}
_FIRST = 5  # commands that most people need


def main(arguments: Sequence[str] | None = None) -> None:
    """Run ``lo2`` and exit: 0 ok, 1 failed, 2 usage, 3 check, 4 input, 5 locked, 6 untrusted, 130 interrupted."""
    atexit.register(gc.freeze)  # what is left then goes with the process: looking through all of it takes 0.1 s
    interrupt = Interrupt()
    interrupt.install()
    try:
        code = run(sys.argv[1:] if arguments is None else list(arguments))
    except BaseException:
        # An import that Ctrl-C cut short raises whatever its author thought of.
        if interrupt.first is None:
            raise
        code = _program_interrupted()
    if code == INTERRUPTED:
        leave_at_once()
    interrupt.over()
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Exit code of one call; what went wrong is said, a bug is raised."""
    with guarded_streams(), _Ending() as ending:
        if not arguments or arguments[0] in ("-h", "--help", "help"):
            print(help_overview())
        elif arguments[0] in ("-V", "--version"):
            print(f"lo2 {__version__}")
        else:
            row = _command_called(arguments)
            with naming_extra(f"lo2 {arguments[0]}", extra=row.extra):
                body = _parsed_call(row.target, arguments)
                body()
    return ending.code


class _Ending:
    """How a call ends: faults become a sentence and an exit code, output that nobody reads is no fault."""

    code = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        try:
            if error is not None and not self._said_of_call(error):
                return False
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
        except BrokenPipeError:
            # Whoever read has read enough; what is still buffered must not fail at the end either.
            _discard_program_output()
            self.code = 0
        except OSError as full:
            found = fault(full)
            _discard_program_output()
            _print_error_sentence(found.text if found else str(full))
            self.code = 1
        return True

    def _said_of_call(self, error: BaseException) -> bool:
        """Whether it was no bug, and is said."""
        if isinstance(error, BrokenPipeError):
            raise error
        if isinstance(error, KeyboardInterrupt):
            self.code = _program_interrupted()
            return True
        found = fault(error)
        if found is not None:
            _print_error_sentence(hints_with_flags(found.text))
            self.code = found.exit_code
        return found is not None


def _program_interrupted() -> int:
    _print_error_sentence("interrupted; finished runs are kept and the next call goes on from there")
    return INTERRUPTED


def _print_error_sentence(text: str) -> None:
    """Say one sentence on stderr, if anybody can hear it."""
    with suppress(OSError, ValueError):
        print(f"lo2: {text}", file=sys.stderr, flush=True)


def _discard_program_output() -> None:
    """Let the output that can no longer be written lead nowhere."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError):
                os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def help_overview() -> str:
    """Text of ``lo2 --help``.

    Examples
    --------
    >>> help_overview().splitlines()[0]
    'Usage: lo2 COMMAND [OPTIONS]'
    """
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {command.text}" for name, command in COMMANDS.items()]
    phases = "Phases: A input, B load, C features, D Isolation Forest, E further detectors, F explanations."
    outro = "lo2 COMMAND --help explains one of them. Start with: lo2 demo"
    intro = "Explainable log-anomaly detection for LO2 and for any text logs."
    head = ["Usage: lo2 COMMAND [OPTIONS]", "", intro, "", *lines[:_FIRST], "", "One phase at a time, and around them:"]
    return "\n".join([*head, *lines[_FIRST:], "", phases, outro])


def _refuse_empty_program_argument(arguments: Sequence[str]) -> None:
    """Refuse options without a value: an undefined variable of a script would mean the working directory."""
    for before, argument in pairwise(("", *arguments)):
        unset = argument.startswith("--") and argument.endswith("=")
        if not argument or unset:
            name = argument[:-1] if unset else before
            what = f"{name} is given an empty value" if name.startswith("-") else "An argument is empty"
            raise UsageError(f"{what}. Is a variable undefined? Leave the option out to get its default")


HELP_ALL = "--help-all"


def _short_help_command(command: Any, rare: Collection[str], arguments: Sequence[str]) -> Any:
    """The command with a help page of what people use; ``--help-all`` shows the rest."""
    if rare and HELP_ALL not in arguments:
        for parameter in command.params:
            if parameter.name in rare:
                parameter.hidden = True
        command.epilog = f"{len(rare)} more options: lo2 {arguments[0]} {HELP_ALL}"
    return command


def _command_called(arguments: list[str]) -> Command:
    name = arguments[0]
    remember_call(arguments)
    _refuse_empty_program_argument(arguments)
    if name.startswith("-"):
        raise UsageError(f"{name} comes after a command. See: lo2 --help")
    return lookup(COMMANDS, name, kind="command")


def _parsed_call(target: str, arguments: list[str]) -> Callable[[], object]:
    """The command with what its arguments say; called only when the parser, which has its own faults, is through."""
    import typer

    name, (module, _, function) = arguments[0], target.partition(":")
    body = getattr(importlib.import_module(f"lo2.cli.{module}"), function)
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command(name)(body)
    command = _short_help_command(typer.main.get_command(app), body.__more__, arguments)
    # Base of what the parser raises, whichever click typer brings along.
    wrong_usage: Any = typer.BadParameter.__mro__[2]
    try:
        words = ["--help" if word == HELP_ALL else word for word in arguments[1:]]
        result = command.main(words, prog_name=f"lo2 {name}", standalone_mode=False)
    except typer.Abort as error:
        raise KeyboardInterrupt from error
    except wrong_usage as error:
        raise UsageError(f"{error.format_message()} See: lo2 {name} --help") from error
    if result == INTERRUPTED:
        raise KeyboardInterrupt
    return result if callable(result) else lambda: None  # it was asked for help, and gave it
