"""``python -m palaestra`` is the ``palaestra`` command."""

from palaestra.command import main

main()
