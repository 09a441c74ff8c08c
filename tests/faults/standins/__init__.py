"""Tasks that take no time: the operator plans, starts and reads them as it does the real ones."""
