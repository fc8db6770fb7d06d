"""A laboratory verifies leukolens on its own known cases, blind. Needs SciPy and PyYAML, and no PyTorch."""
