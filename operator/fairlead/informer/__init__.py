"""Lists and watches a collection of the API into a store in memory."""
