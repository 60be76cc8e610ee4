"""Phases D and E: detectors. Sequences and a split go in, a ``Fitted`` model and predictions come out.

``MODELS`` names them all. To add one, write its family's file with a ``ModelSpec`` in its own ``MODELS`` and name the
family in ``table``: ``--models``, the battery of checks, bundles, the shortcut panel and explanations follow.
"""
