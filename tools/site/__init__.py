"""The documentation site: what Sphinx adds to the pages of docs/.

`sphinx-build -W docs site` reads docs/conf.py, which loads `extension`. The other modules:

    pages       pages that live elsewhere in the repository, the course among them
    outputs     what the code of each page printed when the tests last ran it
    api         the API reference, from signatures and docstrings
    docstrings  a docstring as reStructuredText
    stepping    pages of `minigrad.inspect.explain`, made anew by each build
    examples    what each example prints and draws
    gallery     pictures, each painted by the command under it
    accessible  fixes for keyboards and screen readers
    formulae    formulae as MathML, which needs no script and no network
"""
