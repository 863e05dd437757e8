"""How much one machine carries: `python -m benchmarks.load`, each case in a process of its own."""
