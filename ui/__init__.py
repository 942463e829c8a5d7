"""What the pages share: words, widgets, charts, the session and the guard of the web server."""
