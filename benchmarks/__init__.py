"""How fast Fairlead is, as ratios measured in one run against a stated peer."""
