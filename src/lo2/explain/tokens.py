"""Tokens ranked by how much they carry over all explained sequences, as text."""

import polars as pl

SCHEMA = {"rank": pl.UInt32, "token": pl.String, "mean": pl.Float64}


def rank_tokens(attributions: pl.DataFrame, *, n_sequences: int, limit: int | None = None) -> pl.DataFrame:
    """Tokens by mean absolute contribution, highest first, ties by name.

    Parameters
    ----------
    attributions : DataFrame
        Columns seq_id, token, contribution.
    n_sequences : int
        Sequences behind it: one that has no row for a token counts as 0.

    Examples
    --------
    >>> frame = pl.DataFrame({"seq_id": ["a", "b"], "token": ["x", "x"], "contribution": [1.0, -2.0]})
    >>> rank_tokens(frame, n_sequences=3).rows()
    [(1, 'x', 1.0)]
    """
    mean = pl.col("contribution").abs().sum() / max(n_sequences, 1)
    # Sorted before summing: the order of a floating-point sum must not depend on threads.
    ranked = attributions.sort("token", "seq_id").group_by("token", maintain_order=True).agg(mean=mean)
    ranked = ranked.sort("mean", "token", descending=[True, False]).head(limit or ranked.height)
    return ranked.with_row_index("rank", offset=1).select(pl.col(n).cast(t) for n, t in SCHEMA.items())


def ranked_tokens_text(ranked: pl.DataFrame) -> str:
    """``rank<TAB>token<TAB>mean absolute contribution``, one per line.

    Examples
    --------
    >>> ranked_tokens_text(pl.DataFrame({"rank": [1], "token": ["ERR12014"], "mean": [0.25]}))
    '1\\tERR12014\\t0.25\\n'
    """
    return "".join(f"{rank}\t{token_in_line(token)}\t{mean:.9g}\n" for rank, token, mean in ranked.iter_rows())


def token_in_line(text: str) -> str:
    r"""``text`` with line feeds, carriage returns and tabs written out; blanks stay, for they are part of trigrams.

    Examples
    --------
    >>> token_in_line("a \tb")
    'a \\tb'
    """
    return text.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
