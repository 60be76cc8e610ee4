"""Phase B: a root of raw logs in; shards, lines as numbers of distinct bodies, times and counts out.

``inventory`` finds the files (a shard is one run) wherever they lie (``sources``), and tells whose each is from
folders and names (``spots``, ``layout``, ``pattern``). ``lines`` turns bytes into numbers of distinct bodies, by the
tables of ``formats`` and ``times``. ``gathering`` says which lines make which sequence, ``sequences`` makes one row per
sequence, ``events`` gives single events with their line numbers.
To add a log format: a row with its examples (CONTRIBUTING, "A log format").
"""
