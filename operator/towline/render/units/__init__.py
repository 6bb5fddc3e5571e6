"""Units: folders that another tool turns into objects, built by a confined child from exactly what they name."""
