"""The commands that ask for something, or help to decide whether to ask."""
