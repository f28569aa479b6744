"""The machinery behind refs: offices, cells, turns, supervision. Used through `actors.runtime.system` only."""
