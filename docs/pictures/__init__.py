"""What ``docs/draw_environments.py`` draws: a strip of five moments for each environment.

``drawing`` has the shared strokes; a file per family or kind of model its drawings and what its
agents do; ``scenes`` the table of environments; ``episodes`` and ``films`` run and draw them, into
the panels of ``strips``.
"""
