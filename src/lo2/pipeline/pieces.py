"""A long run in pieces, so that workers are evenly busy and memory stays bounded."""

from lo2.loading.files import LogFile, Shard
from lo2.loading.kept import keeper

PIECE_BYTES = 48_000_000


def pieces(shard: Shard, limit: int = PIECE_BYTES, *, whole: bool = False) -> list[Shard]:
    """A long run in pieces of whole files, in order, so that workers are evenly busy and memory stays bounded.

    Logs in a compressed tar stay together: they are read in one pass; so do those of one sequence, and all of a run
    whose keys or spans may be in several of them (``whole``).

    Examples
    --------
    >>> logs = [LogFile("r", "correct", name, "/", name, 40, 0) for name in ("code", "key", "token")]
    >>> [[f.service for f in piece.files] for piece in pieces(Shard("r", tuple(logs)), 60)]
    [['code'], ['key'], ['token']]
    """
    kept = keeper()
    if whole or any(f.streamed and not (kept and kept.has(f)) for f in shard.files):
        return [shard]
    groups: list[list[LogFile]] = [[]]
    size = 0
    for file in shard.files:
        if groups[-1] and size + file.size_bytes > limit and groups[-1][-1].seq_id != file.seq_id:
            groups.append([])
            size = 0
        groups[-1].append(file)
        size += file.size_bytes
    return [Shard(shard.run, tuple(group)) for group in groups]
