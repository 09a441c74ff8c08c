"""What the command line, the environment and ``config.json`` say."""
