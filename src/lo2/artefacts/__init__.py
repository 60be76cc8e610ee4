"""Files of every phase: where they are, how they are written, verified, compared, tidied and shared.

In go frames, payloads and options of the phases; out come files that are written whole or not at all, recorded in
``provenance.json`` and ``SHA256SUMS``, and loaded again only after a check. ``layout.ARTEFACTS`` is the one table that
scan, restore, clean, pack and the docs read: to add an artefact, write it with ``files`` and add a row there.
No module here needs an ML library; ``bundle`` imports what a bundle names, and nothing else, when it loads one.
"""
