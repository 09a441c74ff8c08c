"""The OCI registry's API: client, transport, references, errors, the guard of addresses."""
