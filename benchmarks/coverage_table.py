def to_markdown(result): return ''
