"""Train the small network that ships with nst: a student that imitates VGG19's features.

``python -m weights_converter distill`` is its command line. The rooms: ``pictures`` and ``drawn``
say what it learns from, ``crops`` cuts and disturbs, ``lessons`` asks the teacher, ``painted``
adds pictures that the student itself has painted, ``plan`` is the student's build, ``training``
the loop, ``figures`` measures the result, ``file`` stores it, ``command`` puts them together.

`nst` runs the student; so this package imports nst, and nothing but ``file`` is imported by it.
"""
