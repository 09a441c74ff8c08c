"""The metrics API, ``custom.metrics.k8s.io``: what HorizontalPodAutoscalers scale Webservices by.

A process of its own, without state: it asks fronts and replicas how many requests they have, and
answers the API server from memory.
"""
