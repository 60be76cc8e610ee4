"""``lo2 unpack``: open a ZIP of ``lo2 pack`` after checking it whole."""

import shlex
from dataclasses import MISSING, dataclass
from pathlib import Path
from typing import Annotated

import typer

from lo2.cli.flags import flags_from_options
from lo2.options import option


@dataclass(frozen=True)
class UnpackOptions:
    """Where the files of a ZIP go."""

    into: Path = option(MISSING, "Folder to unpack to")
    overwrite: bool = option(False, "Replace files that differ")


@flags_from_options
def unpack(
    archive: Annotated[Path, typer.Argument(help="A ZIP of lo2 pack")],
    options: UnpackOptions,
) -> None:
    """Unpack a ZIP; exit 6 and nothing written when a name, link, size, ratio or hash is not as it must be.

    Example: lo2 unpack lo2.zip --into colleague
    """
    from lo2.artefacts.exchange import unpack_exchange
    from lo2.cli.screen import say_result

    for name in unpack_exchange(archive, options.into, overwrite=options.overwrite):
        say_result(name)
    bundles = (options.into / "models" / name for name in ("knn_words.joblib", "lo2_if.joblib"))
    best = next((path for path in bundles if path.is_file()), None)
    score = f". Score with it: lo2 score ROOT --model {shlex.quote(str(best))}" if best else ""
    say_result(f"Checked and unpacked{score}")
