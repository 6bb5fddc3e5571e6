"""The audit trail: what a sync intended, how it ended, and the chain that proves it whole."""
