"""What the program ends with: docs/cli.md lists the same."""

DONE = 0
FAILED = 1  # your files, your model or your script: change something, and try again
USAGE = 2  # the command line is wrong
UNAVAILABLE = 3  # this machine, the network or a server does not do what is needed
NOT_FOUND = 4  # no such service, or no such object
TIMED_OUT = 5  # not done in the time that was given; it goes on
BUG = 70  # a bug of Fairlead
INTERRUPTED = 130  # ctrl-C
