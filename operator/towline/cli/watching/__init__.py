"""Commands that scripts and people wait with, and look what happens meanwhile."""
