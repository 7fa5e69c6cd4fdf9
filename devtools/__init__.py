"""The development environment of HSTYLE CRM, behind the command ``./dev``.

It uses the standard library alone, so that it runs before anything is set up.
"""
