"""Render what another tool renders, by its own ways, and compare it with what Towline renders."""
