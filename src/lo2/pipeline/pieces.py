"""A long run in pieces, so that workers are evenly busy and memory stays bounded."""

from lo2.loading.files import LogFile, Shard

PIECE_BYTES = 48_000_000


def pieces(shard: Shard, limit: int = PIECE_BYTES, *, whole: bool = False) -> list[Shard]:
    """A long run in pieces of whole files, in order, so that workers are evenly busy and memory stays bounded.

    The logs of one sequence stay together; so do all of a run whose keys or spans may be in several of them
    (``whole``), and those that stand in a compressed tar in another order: it is read in one pass.

    Examples
    --------
    >>> logs = [LogFile("r", "correct", name, "/", name, 40, 0) for name in ("code", "key", "token")]
    >>> [[f.service for f in piece.files] for piece in pieces(Shard("r", tuple(logs)), 60)]
    [['code'], ['key'], ['token']]
    """
    if whole:
        return [shard]
    groups: list[list[LogFile]] = [[]]
    size = 0
    for file in shard.files:
        if groups[-1] and size + file.size_bytes > limit and groups[-1][-1].seq_id != file.seq_id:
            groups.append([])
            size = 0
        groups[-1].append(file)
        size += file.size_bytes
    return [Shard(shard.run, tuple(group)) for group in groups] if _in_turn(groups) else [shard]


def _in_turn(groups: list[list[LogFile]]) -> bool:
    """Whether each group stands behind the one before wherever they are in a compressed tar."""
    ends: dict[str, int] = {}
    for group in groups:
        places = [(f.outer, f.offset or 0) for f in group if f.streamed]
        if any(offset < ends.get(outer, 0) for outer, offset in places):
            return False
        for outer, offset in places:
            ends[outer] = max(offset, ends.get(outer, 0))
    return True
