"""The process that runs user code: standard library only, Python 3.6.2 and newer.

It is loaded as a private package (see ``__main__``), so its modules import each other relatively
and nothing of it lies on the ``sys.path`` that user code sees.
"""
