"""Fairlead's shim for the reference server's package: what scripts import of it, nothing else.

It is among the last places where Python looks, so the real package wins where it is installed.
"""
