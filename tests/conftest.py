"""What holds for all tests: no property is timed, as machines are busy now and then."""

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
