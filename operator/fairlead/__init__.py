"""Fairlead: guides a trained model to a running web service on any Kubernetes."""
