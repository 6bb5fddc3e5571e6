"""HTTP/1.1 as far as we speak it: one request at a time over a connection."""
