"""Redis: what moves mail between houses. Nothing lives there that may not be lost."""
