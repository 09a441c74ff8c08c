"""The queue in front of the slots. It knows neither HTTP nor processes."""
