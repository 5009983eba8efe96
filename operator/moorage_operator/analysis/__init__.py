"""Analysis: what pods counted, candidate against stable in the same window, and what may be concluded from it. Pure."""
