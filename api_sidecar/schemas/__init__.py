"""Models of what the API takes and answers: `/openapi.json` shows them, bodies are validated by them.

One module a group of routes. Answers from the cache are finished bytes and are never validated while the program runs;
tests hold them against these models.
"""
