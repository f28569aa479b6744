"""The composition root."""

VERSION = "0.1.0"
