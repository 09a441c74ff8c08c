"""Tasks as Kubernetes Jobs, in the namespace of the object that wants them."""
