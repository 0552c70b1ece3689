"""A history as a folder of static files: pages, a feed, a calendar, for any web server or none."""
