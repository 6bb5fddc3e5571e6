"""Find the commit that last changed each object, by walking back through the history of its file."""
