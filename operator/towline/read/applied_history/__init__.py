"""What was applied, when, and by whom: the records of a repository, joined with the commits of its branch; pure."""
