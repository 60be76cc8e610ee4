"""Flags from options dataclasses: a command takes dataclasses, their fields become its flags; root and paths, too."""

import inspect
import types
from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, is_dataclass
from functools import partial, wraps
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import typer

from lo2.artefacts.layout import Home, home
from lo2.artefacts.outside import remembered_home
from lo2.cli.screen import Verbosity, show_phase_logs
from lo2.errors import UsageError
from lo2.options import built_options, option, option_flag, option_leaves, shown_options


@dataclass(frozen=True)
class Where:
    """Where results and models lie."""

    output_dir: Path | None = option(None, "Result root (default demo/result/lo2, or LO2_HOME)", more=True)
    models_dir: Path | None = option(None, "Model root (default models)", more=True)
    metrics_dir: Path | None = option(None, "Folder of the metrics (default metrics/ in the result root)", more=True)
    variant: str | None = option(None, "Short for --output-dir demo/result/NAME --models-dir models/NAME")

    def home_from_flags(self) -> Home:
        """The folders of the data state; what an earlier call was given for metrics and models is remembered."""
        named = home(self.output_dir, self.models_dir, metrics_dir=self.metrics_dir, variant=self.variant)
        return remembered_home(named, models=self.models_dir is None and self.variant is None)


def path_from_flag(text: str) -> Path:
    """Path of an option; an empty one, such as a variable that is not set gives, is refused."""
    if not text:
        raise typer.BadParameter("the path is empty, perhaps a variable that is not set.")
    return Path(text)


RootArgument = Annotated[
    Path | None,
    typer.Argument(
        metavar="ROOT",
        show_default=False,
        parser=path_from_flag,
        help="Folder of logs in any layout, an archive (.zip, .tar, .tar.gz ...), one log, or - for standard input",
    ),
]


@dataclass(frozen=True)
class RootOptions:
    """The root by its flag."""

    root: Path | None = option(None, "The same as ROOT")


def root_from_flags(argument: Path | None, option: Path | None, *, command: str) -> Path:
    """The root that a command was given, as its argument or by ``--root``.

    Raises
    ------
    UsageError
        If there is none, or two that differ.

    Examples
    --------
    >>> root_from_flags(None, Path("logs"), command="load").name
    'logs'
    >>> root_from_flags(None, None, command="load")
    Traceback (most recent call last):
    lo2.errors.UsageError: Neither ROOT nor --root was given. Example: lo2 load ~/shop-logs. See: lo2 load --help
    """
    if argument is not None and option is not None and argument != option:
        raise UsageError(f"ROOT {str(argument)!r} and --root {str(option)!r} name two inputs. Give one")
    root = argument if argument is not None else option
    if root is None:
        raise UsageError(
            f"Neither ROOT nor --root was given. Example: lo2 {command} ~/shop-logs. See: lo2 {command} --help"
        )
    return root


def flags_from_options(function: Callable[..., None]) -> Callable[..., Callable[[], None]]:
    """Parser of a command: every parameter that is annotated with an options dataclass is flags for its fields.

    It gives the call that is to be made, so that the parser is through before it is made.
    ``__more__`` lists the flags that none of the dataclasses shows: ``--help`` leaves them to ``--help-all``.
    """
    hints = get_type_hints(function, include_extras=True)
    hints.pop("return", None)
    groups = {name: get_args(hint)[0] if get_origin(hint) is Annotated else hint for name, hint in hints.items()}
    groups = {name: kind for name, kind in groups.items() if isinstance(kind, type) and is_dataclass(kind)}
    signature = inspect.signature(function)
    own = [p.replace(annotation=hints[n]) for n, p in signature.parameters.items() if n not in groups]
    seen: dict[str, inspect.Parameter] = {p.name: p for p in own}
    for group in groups.values():
        for parameter in _flag_parameters(group):
            seen.setdefault(parameter.name, parameter)

    @wraps(function)
    def flagged_command(**values: Any) -> Callable[[], None]:
        built = {name: _options_from_flags(group, values) for name, group in groups.items()}
        for verbosity in (one for one in built.values() if isinstance(one, Verbosity)):
            show_phase_logs(verbosity)
        return partial(function, **{p.name: values[p.name] for p in own}, **built)

    ordered = sorted(seen.values(), key=lambda p: p.default is not inspect.Parameter.empty)
    keyword = inspect.Parameter.KEYWORD_ONLY
    flagged_command.__signature__ = inspect.Signature([p.replace(kind=keyword) for p in ordered])  # type: ignore[attr-defined]
    flagged_command.__annotations__ = {p.name: p.annotation for p in ordered}
    used = {p.name for p in own}.union(*(shown_options(hints[name]) for name in groups))
    flagged_command.__more__ = {*seen} - used  # type: ignore[attr-defined]
    return flagged_command


def _flag_parameters(group: type) -> list[inspect.Parameter]:
    hints, found = _flag_field_types(group), []
    for field in option_leaves(group):
        if "help" not in field.metadata:
            continue
        flag = option_flag(field)
        if hints[field.name] is bool and field.default is True and "/" not in flag:
            flag = f"{flag}/--no-{flag[2:]}"
        kind, default = _flag_type(hints[field.name], field.default)
        parser, metavar = (path_from_flag, "<path>") if Path in (kind, *get_args(kind)) else (None, None)
        annotation: Any = Annotated[
            kind, typer.Option(*flag.split(), parser=parser, metavar=metavar, help=field.metadata["help"])
        ]
        default = inspect.Parameter.empty if default is MISSING else default
        keyword = inspect.Parameter.KEYWORD_ONLY
        found.append(inspect.Parameter(field.name, keyword, default=default, annotation=annotation))
    return found


def _flag_field_types(group: type) -> dict[str, Any]:
    """Type of every field of an options dataclass, and of those that it holds."""
    hints = get_type_hints(group)
    for held in [kind for kind in hints.values() if isinstance(kind, type) and is_dataclass(kind)]:
        hints |= _flag_field_types(held)
    return hints


def _flag_type(hint: Any, default: Any) -> tuple[Any, Any]:
    """Type that typer parses, and the default it shows: lists as comma-separated text, unions with text as text."""
    if get_origin(hint) is tuple:
        return list[str], [",".join(str(v) for v in default)] if default else []
    if get_origin(hint) in (Union, types.UnionType):
        kinds = [k for k in get_args(hint) if k is not type(None)]
        if len(kinds) == 1:
            return kinds[0] | None, default
        return str, None if default is None else str(default)
    return hint, default


def _options_from_flags(group: type, values: dict[str, Any]) -> Any:
    hints, given = _flag_field_types(group), [one for one in option_leaves(group) if one.name in values]
    return built_options(group, {one.name: _parse_flag(one, hints[one.name], values[one.name]) for one in given})


def _parse_flag(one: Field[Any], hint: Any, value: Any) -> Any:
    if get_origin(hint) is tuple:
        kind = get_args(hint)[0]
        texts = value if one.metadata["whole"] else [part for text in value for part in text.replace(",", " ").split()]
        if wrong := [text for text in texts if not _reads_flag_text(kind, text)]:
            raise UsageError(f"{option_flag(one)}: {wrong[0]!r} is not a number")
        return tuple(map(kind, texts))
    if get_origin(hint) in (Union, types.UnionType) and str in get_args(hint) and isinstance(value, str):
        kinds = [k for k in (int, float) if k in get_args(hint)]
        return next((k(value) for k in kinds if _reads_flag_text(k, value)), value)
    return value


def _reads_flag_text(kind: Callable[[str], Any], text: str) -> bool:
    try:
        kind(text)
    except ValueError:
        return False
    return True
