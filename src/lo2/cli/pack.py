"""``lo2 pack``: a ZIP for others, pseudonymised for known patterns and searched again."""

from pathlib import Path
from typing import Annotated

import typer

from lo2.cli.flags import Where, with_options
from lo2.errors import InputError, InputNotFoundError


@with_options
def pack(
    where: Where,
    out: Annotated[Path, typer.Option(help="The ZIP to write")],
    include_parquet: Annotated[bool, typer.Option("--include-parquet", help="Also Parquets, pseudonymised")] = False,
    key_file: Annotated[Path | None, typer.Option(help="Key of the pseudonyms (random without it)")] = None,
    root: Annotated[Path | None, typer.Option(help="The raw logs, if they were moved since the load")] = None,
    without_raw_root: Annotated[bool, typer.Option("--without-raw-root", help="Go on without the raw logs")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing ZIP")] = False,
) -> None:
    """Pack models, metrics, explanations and the report; never raw logs or events.

    Example: lo2 pack --out lo2.zip --key-file ~/lo2.key
    """
    from lo2.artefacts.exchange import STATEMENT
    from lo2.cli.screen import note, say
    from lo2.masking.profiles import SECRETS
    from lo2.pipeline.pack import pack as write

    done = write(
        where.home(),
        out,
        include_parquet=include_parquet,
        key=_pack_key(key_file),
        raw_root=root,
        without_raw_root=without_raw_root,
        overwrite=overwrite,
    )
    for name in done.members:
        say(f"in   {name}")
    for name, why in done.left_out.items():
        say(f"out  {name} ({why})")
    if done.known is None:
        note("The raw logs were not at hand: only the rules were applied")
    values = "" if done.known is None else f" and {done.known:,} values of the raw logs"
    looked = f"looked for {len(SECRETS)} kinds of secrets{values}"
    say(f"{done.path}: {len(done.members)} members, {done.replaced} values replaced; {looked}: {STATEMENT}")


def _pack_key(path: Path | None) -> bytes | None:
    if path is None:
        return None
    if not path.is_file():
        raise InputNotFoundError(f"There is no key file {path}. Make one with: head -c 32 /dev/urandom > {path}")
    key = path.read_bytes().strip()
    if len(key) < 16:
        raise InputError(f"{path} holds {len(key)} bytes, a key needs 16 or more: head -c 32 /dev/urandom > {path}")
    return key
