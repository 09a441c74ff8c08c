"""InferenceImage: evidence to status, actions and wanted tasks."""
