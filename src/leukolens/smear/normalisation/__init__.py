"""Bringing pictures of different lamps and stains to one look: even light, Reinhard, Macenko, Vahadane.

Each module has settings (a frozen model whose `reference` is what was fitted), `fit` and `transform`.
"""
