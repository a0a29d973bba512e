"""python -m siamese_server is the command siamese."""

from siamese_server import siamese

siamese()
