"""Decrypt what SOPS has encrypted, with keys of age; each message authentication code is checked."""
