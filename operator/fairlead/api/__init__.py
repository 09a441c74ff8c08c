"""What users write: the types of the three resources, their schema, labels and reasons."""
