"""From a changed input to an image in the registry: Fairlead, and `docker build` and push."""
