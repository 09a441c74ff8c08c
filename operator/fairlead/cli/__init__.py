"""The program `fairlead`, also found as `kubectl fairlead`."""
