"""keypolicy: policy-as-code compliance scanner for API keys."""

__version__ = "0.1.0"
