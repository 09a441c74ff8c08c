"""kopf only: watch streams, start-up, probes. No decisions here."""
