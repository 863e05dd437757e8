"""The pages of the demo app, one module or package each."""
