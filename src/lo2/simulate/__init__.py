"""Writes log trees in the format of LO2: seven services, the correct flow, 53 error cases, the noise and the losses.

Goes in: ``SimulateOptions``. Comes out: ``<root>/<run>/<test case>/light-oauth2-oauth2-<service>-1.log`` and
``<root>/truth.csv``. The facts are tables of text in ``tables/``: error cases, requests, lines, answers,
bodies, stack traces. Read in this order: ``cases`` (what goes wrong), ``requests`` and ``flows`` (what each request
writes), ``users`` and ``traffic`` (who sends what when), ``world`` (what they share), ``container``
(what of it reaches the file), ``schedule`` and ``tree``. A new error case is a row in ``tables/cases.txt`` and, if its
lines are new, one in ``tables/flows.txt``.
"""
