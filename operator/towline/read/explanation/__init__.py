"""Explain why a repository or an object is not as wanted: which change caused it, and what helps."""
