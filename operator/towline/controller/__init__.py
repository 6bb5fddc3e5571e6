"""The operator process: what starts a pass, the queue, the Lease, and the chores between passes."""
