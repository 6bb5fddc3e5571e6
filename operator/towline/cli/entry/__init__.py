"""The group of all commands, and how each of them ends."""
