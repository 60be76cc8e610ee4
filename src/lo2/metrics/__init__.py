"""Numbers from arrays: ranking, labels at a threshold, conformal p-values, drift, intervals by run.

Scores, labels and run names go in, floats and arrays come out; nothing here knows frames, models or files. A new
metric is a function in the module of its kind; to give it an interval, write it for a matrix of row weights
(``TieGroups`` and ``confusion`` do) and hand it to ``RunBootstrap.replicate``.
"""
