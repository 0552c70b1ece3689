"""Values of parameters as they were given, with the place of each."""

from collections.abc import Mapping

from scanner.base.errors import Location


class GivenParams(dict[str, str]):
    """Texts by the name of their parameter; `places` tells where those that have one were given.

    To whoever does not care it is a dict like any other.
    """

    def __init__(
        self, texts: Mapping[str, str], places: Mapping[str, Location] | None = None
    ) -> None:
        super().__init__(texts)
        self.places = dict(places or {})

    def over(self, below: Mapping[str, str]) -> "GivenParams":
        """Return these and, for the names that they lack, those of a place that counts less."""
        places = {**placed(below), **dict.fromkeys(self), **self.places}
        known = {name: place for name, place in places.items() if place is not None}
        return GivenParams({**below, **self}, known)


def placed(params: Mapping[str, str]) -> Mapping[str, Location]:
    """Return the known places of values."""
    return params.places if isinstance(params, GivenParams) else {}


def given_at(params: Mapping[str, str], name: str) -> Location:
    """Return the place that messages name for a value: without another the command line."""
    return placed(params).get(name) or Location(f"--param {name}")
