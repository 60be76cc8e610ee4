"""How logs look: tables of headers, envelopes, records and levels, and which rows of them a log has."""
