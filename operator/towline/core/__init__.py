"""Decisions: pure functions of values, without a clock, a disk or a network."""
