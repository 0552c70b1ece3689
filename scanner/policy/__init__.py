"""Policies: from the YAML that people write to rules whose predicates are SQL text."""
