"""Run the operator process: triggers, the queue of passes, the Lease, and the chores between passes."""
