"""Phase B: a root of raw logs in; shards, lines as numbers of distinct bodies, times and counts out.

``inventory`` finds the files (a shard is one run), ``blocks`` reads them in bounded memory, ``scan`` turns bytes into
numbers of distinct bodies: ``envelopes`` are taken off, ``recognise`` chooses rows of ``stamps``, ``headers`` and
``levels`` by a log's first lines, ``steps`` cuts blocks by them, ``records`` reads JSON and logfmt, ``given`` what the
user named. ``clock`` and ``dates`` give real dates, ``gathering`` says which lines make which sequence, ``startup``
names the lines that leak the test order, ``sequences`` makes one row per sequence, ``events`` gives single events with
their line numbers.
To add a log format: a row with its examples (CONTRIBUTING, "A log format").
"""
