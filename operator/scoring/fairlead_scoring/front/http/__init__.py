"""HTTP: connections, routes, and what becomes of each request."""
