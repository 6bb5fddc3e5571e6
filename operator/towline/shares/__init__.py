"""Shares: what one repository, and one namespace, may use of what all repositories use together."""
