"""The services whose keys are looked at; each knows its tables and how to read them."""
