"""Commands that look back at records, and what the commands that do so share."""
