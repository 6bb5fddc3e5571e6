"""Marks: from which file and line each field of a built object comes."""
