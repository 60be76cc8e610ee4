"""One page per data state: sources to plain values (``summarise``), values to one HTML file (``render``).

``sources`` reads or takes what the phases left, ``explorer``, ``reasons`` and ``summary`` shape it, ``charts`` draws,
``html`` assembles; the page needs no network and no library. The values are also ``report.json``, and what the closing
screen shows. To add a section: its values in ``values``, their making in ``summary``, its part of
``templates/report.html.j2``.
"""
