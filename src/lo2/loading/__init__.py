"""Phase B: a root of raw logs in; shards, lines as numbers of distinct bodies, times and counts out.

``inventory`` finds the files (a shard is one run), ``blocks`` reads them in bounded memory, ``scan`` turns bytes into
numbers of distinct bodies, ``clock`` gives real dates, ``startup`` names the lines that leak the test order,
``sequences`` makes one row per log, ``events`` gives single events with their line numbers. To add a log format:
a step in ``formats`` (block in; bodies, header flags, times out) and its line in ``FORMATS``.
"""
