"""Honesty about models: headline metrics with intervals, shortcut panel, detection card, comparison, drift.

In go predictions (the columns of ``lo2.schema.predictions_table``) and sequences, out come values and frames under
the names of the contract; no file is read or written. Every metric is measured on ``test`` rows, intervals draw whole
runs, and what cannot be computed is null with its reason. A new metric is one line in ``headline.statistics``; a new
shortcut one line in ``shortcuts.SHORTCUTS``.
"""
