"""A forecast goes in, its forms come out: JSON, an agenda for people, a calendar file."""
