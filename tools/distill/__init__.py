"""Train the small network that ships with nst: a student that imitates VGG19's features.

``python -m weights_converter distill`` is its command line. The rooms: ``pictures`` and ``drawn``
say what it learns from, ``crops`` cuts and disturbs, ``lessons`` asks the teacher, ``painted``
adds pictures that the student itself has painted, ``plan`` is the student's build, ``beginning``
its first values, ``training`` the loop, ``file`` stores it, ``figures`` says how good it is;
``command``, ``measure`` and ``options`` are the command line.

`nst` runs the student; so this package imports nst, and nothing but ``file`` is imported by it.
"""
