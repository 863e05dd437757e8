"""Side by side: a streamui page and what a user would pick instead (`python -m benchmarks`)."""
