"""Fetch charts from Helm repositories and OCI registries; nothing here runs a tool."""
