"""Webservice: evidence to status and actions."""
