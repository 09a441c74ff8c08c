"""Why an environment could not be built, from what the build printed."""
