"""``lo2 pack``: the command that makes a ZIP for others, with the key of its pseudonyms."""

from dataclasses import MISSING, dataclass
from pathlib import Path

from lo2.cli.flags import Where, flags_from_options
from lo2.errors import InputError, InputNotFoundError
from lo2.options import option


@dataclass(frozen=True)
class PackOptions:
    """What goes to the ZIP, and where it lies."""

    out: Path = option(MISSING, "The ZIP to write")
    include_parquet: bool = option(False, "Also Parquets, pseudonymised")
    key_file: Path | None = option(None, "Key of the pseudonyms (random without it)")
    root: Path | None = option(None, "The raw logs, if they were moved since the load")
    without_raw_root: bool = option(False, "Go on without the raw logs")
    overwrite: bool = option(False, "Replace an existing ZIP")


@flags_from_options
def pack(options: PackOptions, where: Where) -> None:
    """Pack models, metrics, explanations and the report; never raw logs or events.

    Example: lo2 pack --out lo2.zip --key-file ~/lo2.key
    """
    from lo2.artefacts.exchange import STATEMENT
    from lo2.cli.screen import note, say_result
    from lo2.masking.profiles import SECRETS
    from lo2.pipeline.pack import pack as write

    done = write(
        where.home_from_flags(),
        options.out,
        include_parquet=options.include_parquet,
        key=_pack_key(options.key_file),
        raw_root=options.root,
        without_raw_root=options.without_raw_root,
        overwrite=options.overwrite,
    )
    for name in done.members:
        say_result(f"in   {name}")
    for name, why in done.left_out.items():
        say_result(f"out  {name} ({why})")
    if done.known is None:
        note("The raw logs were not at hand: only the rules were applied")
    values = "" if done.known is None else f" and {done.known:,} values of the raw logs"
    looked = f"looked for {len(SECRETS)} kinds of secrets{values}"
    say_result(f"{done.path}: {len(done.members)} members, {done.replaced} values replaced; {looked}: {STATEMENT}")


def _pack_key(path: Path | None) -> bytes | None:
    if path is None:
        return None
    if not path.is_file():
        raise InputNotFoundError(f"There is no key file {path}. Make one with: head -c 32 /dev/urandom > {path}")
    key = path.read_bytes().strip()
    if len(key) < 16:
        raise InputError(f"{path} holds {len(key)} bytes, a key needs 16 or more: head -c 32 /dev/urandom > {path}")
    return key
