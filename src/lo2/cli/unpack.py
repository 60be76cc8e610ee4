"""``lo2 unpack``: open a ZIP of ``lo2 pack`` after checking it whole."""

import shlex
from pathlib import Path
from typing import Annotated

import typer


def unpack(
    archive: Annotated[Path, typer.Argument(help="A ZIP of lo2 pack")],
    into: Annotated[Path, typer.Option(help="Folder to unpack to")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that differ")] = False,
) -> None:
    """Unpack a ZIP; exit 6 and nothing written when a name, link, size, ratio or hash is not as it must be.

    Example: lo2 unpack lo2.zip --into colleague
    """
    from lo2.artefacts.exchange import unpack as read
    from lo2.cli.screen import say

    for name in read(archive, into, overwrite=overwrite):
        say(name)
    bundles = (into / "models" / name for name in ("knn_words.joblib", "lo2_if.joblib"))
    best = next((path for path in bundles if path.is_file()), None)
    score = f". Score with it: lo2 score ROOT --model {shlex.quote(str(best))}" if best else ""
    say(f"Checked and unpacked{score}")
