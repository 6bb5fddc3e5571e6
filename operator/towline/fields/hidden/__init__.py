"""Remember what must be shown nowhere of the objects that a repository declares."""
