"""When a line was written: shapes of time stamps, their values, zones, and the dates that they lack."""
