"""The words that a message is found by, and what a search asks of them.

Made here and not by PostgreSQL, so that they depend on no language and no dictionary: words without case, and what is
written without spaces (Chinese, Japanese, Korean) as its single characters and pairs. Both sides are cut alike, so what
is lost in cutting (accents that stand alone, emoji) is lost on both.
"""

import re
from collections.abc import Iterator
from unicodedata import normalize

MOST_CHARACTERS = 64
"""Of one word: nobody searches for more, and PostgreSQL takes at most 2,046 bytes."""
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_PLAIN = "".join(chr(i).lower() if chr(i).isalnum() else " " for i in range(128))  # what each ASCII character becomes
_find_runs = re.compile(f"([{_UNSPACED}]+)|([^\\W_{_UNSPACED}]+)").findall


def words_of(text: str, chat_id: str) -> str:
    """Return the words of a message and its chat as the text form of a ``tsvector``."""
    if text.isascii():
        found = set(text.translate(_PLAIN).split())
        if len(text) > MOST_CHARACTERS:
            found = {word[:MOST_CHARACTERS] for word in found}
    else:
        found = {lexeme for run, word in _runs(text) for lexeme in ({*run, *_pairs(run)} if run else (word,))}
    found.add(chat_lexeme(chat_id))
    return "'" + "' '".join(found) + "'"


def query_of(q: str, chat_id: str | None = None) -> str | None:
    """Return the text form of a ``tsquery``: every word of ``q``, the last one as the beginning of a word.

    None where ``q`` holds no word: nothing can be found. ``chat_id`` keeps the search to one chat.
    """
    terms: list[str] = []
    is_begun = False
    for run, word in _runs(q):
        terms += [f"'{lexeme}'" for lexeme in (_pairs(run) or run if run else (word,))]
        is_begun = not run
    if not terms:
        return None
    last = terms.pop() + (":*" if is_begun else "")
    place = [] if chat_id is None else [f"'{chat_lexeme(chat_id)}'"]
    return " & ".join([*place, *dict.fromkeys(terms), last])


def chat_lexeme(chat_id: str) -> str:
    """Return the word that every message of a chat has; no text can hold it, and no search for a beginning finds it."""
    return f"@{chat_id}"


def _runs(text: str) -> Iterator[tuple[str, str]]:
    """Yield (unspaced run, "") or ("", word), in order."""
    for run, word in _find_runs(normalize("NFKC", text).casefold()):
        yield run, word[:MOST_CHARACTERS]


def _pairs(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(len(run) - 1)]
