"""Shortcut probes: is the class given away by what is no cell - the lamp, the stain, the scale bar, the file itself?"""
