"""What shows a streamable, one component per file, its module of JavaScript beside it."""
