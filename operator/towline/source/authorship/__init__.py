"""Who made each object what it is: a walk back through the history of its file."""
