"""Azure ML v1's files and the arguments of its command line, turned into manifests. Pure."""
