"""Shared by all tests: no network, no display, one small simulated run."""

import os

os.environ.setdefault("POLARS_MAX_THREADS", "2")
os.environ.pop("MPLBACKEND", None)
