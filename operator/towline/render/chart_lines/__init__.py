"""Where a field of an object that Helm has rendered comes from: a line of its template, or of a file of values."""
