"""OSCAL assessment results."""
