"""How many replicas a load needs, what to change where it does not fit, what to expect: pure."""
