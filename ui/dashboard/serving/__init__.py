"""The dashboard as a web application: login, security headers, server."""
