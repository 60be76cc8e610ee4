"""Writes log trees in the format of LO2: seven services, the correct flow, 53 error cases, the noise and the losses.

Goes in: :class:`SimulateOptions`. Comes out: ``<root>/<run>/<test case>/light-oauth2-oauth2-<service>-1.log`` and
``<root>/truth.csv``. Read in this order: ``cases`` (what goes wrong), ``flows`` with ``lines`` and ``traces`` (what
each request writes), ``users`` and ``traffic`` (who sends what when), ``world`` and ``cluster`` (what they share),
``container`` (what of it reaches the file), ``schedule`` and ``tree``. A new error case is a row in ``cases`` and, if
its lines are new, one in ``flows``.
"""

from lo2.simulate.options import SimulateOptions, SimulationSummary
from lo2.simulate.tree import simulate

__all__ = ["SimulateOptions", "SimulationSummary", "simulate"]
