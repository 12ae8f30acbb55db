"""The course as web pages: executed notebooks in, a folder of static files out."""
