"""Carry out one plan and record it: prepare, open the record, write, remove, close the record."""
