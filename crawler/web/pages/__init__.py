"""The pages: a module each, its template beside it."""
