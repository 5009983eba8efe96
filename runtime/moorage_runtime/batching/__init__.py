"""Running calls together. Knows rows, time and one engine; nothing of doors, limits or transports.

`Turn` runs what the event loop has read in one turn, in the loop's own thread, for models that are fast. `Workers` run
what would keep the loop too long in threads of their own; what waits meanwhile runs together next. Both take members
from `Groups`, which never mixes shapes, and end each member exactly once.
"""
