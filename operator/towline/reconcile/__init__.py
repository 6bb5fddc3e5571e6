"""One pass of one repository, told in order: fetch, plan, enforce or observe, repair, finalize, result."""
