"""Write the audit trail: what a sync intended, how it ended, and the hash chain that shows tampering."""
