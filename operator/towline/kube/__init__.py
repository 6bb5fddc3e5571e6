"""Talk to the API server over HTTP: connections, requests, discovery, and the meaning of its refusals."""
