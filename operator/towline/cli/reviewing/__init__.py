"""What the commands share that look back: the records that a user chooses, and points in time."""
