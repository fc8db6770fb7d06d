"""How good a bundle is: metrics with intervals, curves, the evaluation and its page."""
