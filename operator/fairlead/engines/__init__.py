"""How environments are built: one engine per file, behind one small Protocol."""
