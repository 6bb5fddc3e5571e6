"""Door 1, Git: who may be asked, bare mirrors, trees, history."""
