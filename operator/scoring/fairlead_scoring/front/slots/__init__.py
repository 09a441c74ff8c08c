"""The slots: processes that run user code, how they start, end and are replaced."""
