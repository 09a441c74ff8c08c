"""Environments of conda's channels, solved and linked here by py-rattler: no conda, and no code of
any package, runs. Whatever comes from a channel is a stranger's.
"""
