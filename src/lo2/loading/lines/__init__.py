"""From bytes to events: lines are cut, those that differ in digits alone fold, and distinct bodies get numbers."""
