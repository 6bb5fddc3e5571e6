"""Ask a repository for something in the name of the user, and see what becomes of it."""
