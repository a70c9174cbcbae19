"""Tiny WSGI applications for the tests over real sockets."""
