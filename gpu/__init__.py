"""The Modal app and its kernels; importable and testable without a GPU."""
