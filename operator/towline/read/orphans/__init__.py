"""Find what nothing explains: objects without a repository or an owner, and what repositories left behind."""
