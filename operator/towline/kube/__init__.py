"""The API server over HTTP: connections, requests, discovery, and what it says when it refuses."""
