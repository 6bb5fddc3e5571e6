"""The records of a period as evidence: exported with what proves that nothing is missing, and checked again; pure."""
