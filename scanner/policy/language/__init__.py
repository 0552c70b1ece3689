"""The words of policies: values, parameters, arguments and predicates."""
