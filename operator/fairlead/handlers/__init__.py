"""kopf's doorway: translate, delegate, translate back. No decisions here."""
