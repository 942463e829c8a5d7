"""Core of the Hub Dashboard: everything the pages and the API know and do."""
