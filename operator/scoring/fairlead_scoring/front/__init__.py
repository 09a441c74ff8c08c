"""The process that speaks HTTP and owns the slots. It never imports user code."""
