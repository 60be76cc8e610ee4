"""Calls of a phase again as it was called here, with the options and input paths of its record, as a command."""

import shlex
from dataclasses import replace

from lo2.artefacts.advice import advised_call
from lo2.artefacts.layout import Home
from lo2.artefacts.outside import find_outside_input
from lo2.errors import InputNotFoundError
from lo2.loading.options import NORMAL, LoadOptions
from lo2.options import options_as_flags
from lo2.pipeline.fitting import detect_options
from lo2.pipeline.recorded import Recorded


def call_again(home: Home, phase: str) -> str:
    """``lo2 PHASE`` with the flags that its last call here had; as anybody calls it where there was none.

    Examples
    --------
    >>> from pathlib import Path
    >>> home = Home(Path("out"), Path("models"))
    >>> call_again(home, "load"), call_again(home, "detect")
    ('lo2 load ROOT', 'lo2 detect')
    """
    recorded, words = Recorded.recorded_call(home, phase), [advised_call(phase)]
    if recorded.facts and phase == "load":
        found = recorded.options(LoadOptions)
        words.append(
            options_as_flags(replace(found, profile="auto", normal=None if found.normal == NORMAL else found.normal))
        )
    if recorded.facts and phase == "detect":
        words.append(options_as_flags(detect_options(recorded)))
        words += [
            f"--{name.replace('_', '-')} {_call_input_path(home, name, digest)}"
            for name, digest in recorded.values["inputs"].items()
        ]
    return " ".join(word for word in words if word)


def detect_call(home: Home, *, saving: bool = False) -> str:
    """``lo2 detect`` as it was called here last; with ``saving`` so that it saves its models."""
    call, save = call_again(home, "detect"), " --save-model"
    return call if save in call or not saving else call + save


def _call_input_path(home: Home, name: str, digest: str) -> str:
    try:
        return shlex.quote(str(find_outside_input(home, "detect", name, digest)))
    except InputNotFoundError:
        return "FILE"
