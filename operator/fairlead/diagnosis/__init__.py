"""Why it does not work: pure checks over gathered evidence, each naming one failure."""
