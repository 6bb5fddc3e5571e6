"""Run one pass of one repository: fetch, plan, enforce or observe, repair, finalize, result."""
