"""The cluster, as the command line reaches it: a client that is there in no time, and what is said
of what it answers."""
