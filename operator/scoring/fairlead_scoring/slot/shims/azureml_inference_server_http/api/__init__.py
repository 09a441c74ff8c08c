"""The request and the response of scripts that want raw HTTP."""
