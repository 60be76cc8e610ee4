"""Pieces of a long run, of whole files, so that workers are evenly busy and memory stays bounded."""

from lo2.loading.sources.compression import compression_ending
from lo2.loading.sources.files import LogFile, Shard

PIECE_BYTES = 48_000_000
_UNPACKED = 8  # times at most that a run is unpacked


def cut_into_pieces(shard: Shard, limit: int = PIECE_BYTES, *, whole: bool = False) -> list[Shard]:
    """A long run in pieces of whole files, in order, so that workers are evenly busy and memory stays bounded.

    The logs of one sequence stay together, and so do all of a run whose keys or spans may be in several of them
    (``whole``). Pieces of a run whose logs stand in a compressed tar in another order are larger where each of them
    unpacks all of the run, and there is one where that is no little part of the tar.

    Examples
    --------
    >>> logs = [LogFile("r", "correct", name, "/", name, 40, 0) for name in ("code", "key", "token")]
    >>> [[f.service for f in piece.files] for piece in cut_into_pieces(Shard("r", tuple(logs)), 60)]
    [['code'], ['key'], ['token']]
    """
    if whole:
        return [shard]
    groups = _cut_pieces(shard, limit)
    if not _pieces_in_turn(groups):
        groups = (
            _cut_pieces(shard, max(limit, shard.size_bytes // _UNPACKED))
            if _pieces_in_one_tar(shard)
            else [list(shard.files)]
        )
    return [Shard(shard.run, tuple(group)) for group in groups]


def _cut_pieces(shard: Shard, limit: int) -> list[list[LogFile]]:
    groups: list[list[LogFile]] = [[]]
    size = 0
    for file in shard.files:
        if groups[-1] and size + file.size_bytes > limit and groups[-1][-1].seq_id != file.seq_id:
            groups.append([])
            size = 0
        groups[-1].append(file)
        size += file.size_bytes
    return groups


def _pieces_in_turn(groups: list[list[LogFile]]) -> bool:
    """Whether each group stands behind the one before wherever they are in a compressed tar."""
    ends: dict[str, int] = {}
    for group in groups:
        places = [(f.outer, f.offset or 0) for f in group if f.streamed]
        if any(offset < ends.get(outer, 0) for outer, offset in places):
            return False
        for outer, offset in places:
            ends[outer] = max(offset, ends.get(outer, 0))
    return True


def _pieces_in_one_tar(shard: Shard) -> bool:
    """Whether its logs stand together in one tar that can be entered near them."""
    places = [f.offset or 0 for f in shard.files]
    packed = {f.outer or f.root for f in shard.files}
    together = max(places) - min(places) <= 2 * shard.size_bytes
    return together and len(packed) == 1 and all(compression_ending(name) == ".gz" for name in packed)
