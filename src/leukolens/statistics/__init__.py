"""How well a figure is known, for images that come in groups: what the audit and the assessment share."""
